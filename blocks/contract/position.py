"""The contract of the position family."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from blocks.contract.check import check, demand
from blocks.contract.common import Feed, promise_common
from blocks.contract.compare import moved, same
from blocks.contract.probes import HOOKS
from blocks.contract.subject import Subject
from blocks.coords import Coords
from blocks.position import NoPosition, Position

N = 9


def standing(scheme: Position, at: Coords) -> Coords:
    """For schemes that need one, a grid of three columns whose cells are numbered by `at.pos`."""
    if not scheme.grid:
        return at
    row, column = at.pos // 3, at.pos % 3
    height, width = (torch.full_like(at.pos, extent) for extent in (N, 3))
    return replace(at, row=row, column=column, height=height, width=width)


def overridden(scheme: Position) -> set[str]:
    """The places where a scheme acts."""
    return {place for place in ("embed", *HOOKS) if scheme.acts(place)}


def act(scheme: Position, at: Coords, subject: Subject, feed: Feed) -> dict[str, Tensor]:
    """What each place of a scheme gives at these coordinates, always laid out [b ... ] with tokens where they were."""
    at = standing(scheme, at)
    b, n, h, d = 2, len(at), subject["heads"], subject["head_dim"]
    x, q, k = feed.vectors(b, n, subject["dim"]), feed.vectors(b, h, n, d), feed.vectors(b, h, n, d)
    weights = feed.vectors(b, h, n, n).softmax(-1)
    bias, content = scheme.bias(at.queries(), at.keys()), scheme.content_bias(q, k, at, at, None)
    value = scheme.content_value(weights, at, at)
    found = {"embed": scheme.embed(x, at) - x}
    found["mark"] = torch.cat([scheme.mark(x, at, "query") - x, scheme.mark(x, at, "key") - x])
    found |= {"rotate": torch.cat([scheme.rotate(q, at, "query") - q, scheme.rotate(k, at, "key") - k])}
    optional = {"bias": bias, "content_bias": content, "content_value": value}
    found |= {name: t for name, t in optional.items() if t is not None}
    return {name: t for name, t in found.items() if name in overridden(scheme)}


@check("position", "hooks are the methods that it overrides, and they act")
@torch.no_grad()
def hooks_act(subject: Subject) -> None:
    for causal in (False, True):
        scheme: Position = subject.build(causal=causal)
        mine = overridden(scheme)
        problem = f"`hooks` says {sorted(scheme.hooks)}, but it overrides {sorted(mine)}"
        demand(set(scheme.hooks) == mine - {"embed"}, problem)
        if not isinstance(scheme, NoPosition):
            demand(bool(mine), "it overrides no hook: it does nothing")
        for hook, effect in act(scheme, Coords.of(N), subject, Feed()).items():
            demand(effect.isfinite().all(), f"'{hook}' is not finite")
            demand(effect.abs().max() > 1e-6, f"'{hook}' is overridden but changes nothing")
            plain, later = (act(scheme, at, subject, Feed())[hook] for at in (Coords.of(N), _stretched()))
            demand(moved(plain, later).any(), f"'{hook}' does not depend on the positions of the coordinates")


def _stretched() -> Coords:
    at = Coords.of(N)
    return Coords(at.index, 2 * at.pos)


@check("position", "sees coordinates, not lengths: left padding and packed documents")
@torch.no_grad()
def sees_coordinates(subject: Subject) -> None:
    for causal in (False, True):
        scheme: Position = subject.build(causal=causal)
        valid = torch.ones(1, N, dtype=torch.bool)
        valid[:, :3] = False
        segment = torch.tensor([[0, 0, 0, 1, 1, 1, 1, 1, 1]])
        short = act(scheme, Coords.of(N - 3), subject, _Cut(3))
        padded, packed = Coords.of(N, valid=valid), Coords.of(N, segment=segment)
        for about, at in (("left padding", padded), ("a packed document", packed)):
            for hook, effect in act(scheme, at, subject, Feed()).items():
                # values are weighted sums over all keys: what stands before the cut counts there
                if hook != "content_value":
                    same(_from(effect, hook, 3), short[hook], f"'{hook}' counts {about}")


class _Cut(Feed):
    """Feeds the same vectors without their first tokens."""

    def __init__(self, cut: int) -> None:
        super().__init__()
        self.cut = cut

    def vectors(self, *shape: int) -> Tensor:
        wide = super().vectors(*(s + self.cut if s == N - self.cut else s for s in shape))
        for axis, s in enumerate(shape):
            wide = wide.narrow(axis, wide.shape[axis] - s, s)
        return wide


def _from(effect: Tensor, hook: str, start: int) -> Tensor:
    if hook in ("embed", "mark"):
        return effect[:, start:]
    return effect[:, :, start:] if hook == "rotate" else effect[:, :, start:, start:]


@check("position", "a piece of the queries is the same piece of the whole")
@torch.no_grad()
def pieces(subject: Subject) -> None:
    scheme: Position = subject.build()
    at, b, h, d = standing(scheme, Coords.of(N)), 2, subject["heads"], subject["head_dim"]
    x, q, k = (torch.randn(b, N, subject["dim"]).double(), *(torch.randn(b, h, N, d).double() for _ in range(2)))
    weights = torch.randn(b, h, N, N).double().softmax(-1)
    allowed = torch.ones(1, N, N, dtype=torch.bool)
    for first, last in ((0, N), (4, 7), (N - 1, N)):
        rows = torch.arange(first, last)
        here = standing(scheme, Coords.of(last - first, start=first))
        same(scheme.embed(x[:, rows], here), scheme.embed(x, at)[:, rows], "'embed' of a piece differs")
        for role in ("query", "key"):
            whole = scheme.rotate(q, at, role)[:, :, rows]
            same(scheme.rotate(q[:, :, rows], here, role), whole, "'rotate' of a piece differs")
        _same_rows(scheme.bias(here.queries(), at.keys()), scheme.bias(at.queries(), at.keys()), rows, "bias")
        content = scheme.content_bias(q[:, :, rows], k, here, at, allowed[:, rows])
        _same_rows(content, scheme.content_bias(q, k, at, at, allowed), rows, "content_bias")
        value = scheme.content_value(weights[:, :, rows], here, at)
        _same_rows(value, scheme.content_value(weights, at, at), rows, "content_value")


def _same_rows(piece: Tensor | None, whole: Tensor | None, rows: Tensor, hook: str) -> None:
    demand((piece is None) == (whole is None), f"'{hook}' acts only sometimes")
    if piece is not None and whole is not None:
        same(piece, whole[:, :, rows], f"'{hook}' of a piece differs")


@check("position", "a bias is elementwise on any shape of coordinates")
@torch.no_grad()
def elementwise_bias(subject: Subject) -> None:
    for causal in (False, True):
        scheme: Position = subject.build(causal=causal)
        at = standing(scheme, Coords.of(N, valid=torch.ones(2, N, dtype=torch.bool)))
        whole = scheme.bias(at.queries(), at.keys())
        if whole is None:
            return
        rows, columns = torch.tensor([[1, 2], [7, 8]]), torch.tensor([[0, 3, 4], [5, 6, 8]])
        tiles = scheme.bias(at.take(rows).queries(), at.take(columns).keys())
        demand(tiles is not None, "'bias' acts only sometimes")
        assert tiles is not None
        for tile in range(2):
            part = whole[:, :, rows[tile]][..., columns[tile]]
            same(
                tiles[:, :, tile].expand_as(part),
                part,
                "'bias' on tiles of coordinates is not those tiles of the whole",
            )


@check("position", "a relative scheme does not see a shift", when=lambda s: bool(getattr(s.target, "relative", False)))
@torch.no_grad()
def relative_claim(subject: Subject) -> None:
    for causal in (False, True):
        scheme: Position = subject.build(causal=causal)
        # options may take the claim back
        if not scheme.relative:
            continue
        here, later = (act(scheme, Coords.of(N, start=start), subject, Feed()) for start in (0, 5))
        demand("bias" in here, "declares `relative`, which is about 'bias', but has no such hook")
        same(here["bias"], later["bias"], "declares `relative`, but 'bias' changes when all positions are shifted")


@check("position", "coordinates of one row serve a whole batch")
@torch.no_grad()
def one_row_of_coordinates(subject: Subject) -> None:
    scheme: Position = subject.build()
    one = Coords.of(N)
    few, many = (act(scheme, at, subject, Feed()) for at in (one, one.map(lambda t: t.expand(2, -1).contiguous())))
    for hook in few:
        same(few[hook].expand_as(many[hook]), many[hook], f"'{hook}' differs for coordinates [1 n] and [b n]")


@check("position", "what it adds to the stream is added once")
def embeds_once(subject: Subject) -> None:
    scheme: Position = subject.build()
    once = scheme.shared or "embed" not in overridden(subject.build(earlier=scheme))
    demand(once, "overrides 'embed' but is not `shared`: each layer would add it")


def exercise(subject: Subject, module: nn.Module, feed: Feed) -> Sequence[Tensor]:
    assert isinstance(module, Position)
    return list(act(module, Coords.of(N, device=torch.device(feed.device)), subject, feed).values())


promise_common("position", exercise)
