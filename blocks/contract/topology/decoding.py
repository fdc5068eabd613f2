"""Decoding a model step by step gives what the full pass gives."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from blocks.contract.check import Broken, check
from blocks.contract.compare import same
from blocks.contract.subject import Subject
from blocks.contract.topology.models import draw, lacking, padded, predicts, reads_source, run
from blocks.topology import DecodeState, Topology

LONG = 12


def step(
    model: Topology,
    subject: Subject,
    ids: Tensor,
    state: DecodeState,
    sizes: Sequence[int],
    *,
    source: dict[str, Tensor] | None = None,
    valid: Tensor | None = None,
) -> Tensor:
    """Feed ids [b n] in pieces of these sizes, the last repeated; the source only with the first piece."""
    outs, done, pending = [], 0, list(sizes)
    while done < ids.shape[1]:
        size = min(pending.pop(0) if len(pending) > 1 else pending[0], ids.shape[1] - done)
        here = slice(done, done + size)
        given = dict(source or {}) if done == 0 else {}
        if valid is not None and not bool(valid[:, here].all()):
            given["valid"] = valid[:, here]
        outs.append(model.run(ids[:, here], state=state, **given).hidden)  # type: ignore[operator]
        done += size
    return torch.cat(outs, dim=1)


def _source(subject: Subject, b: int) -> dict[str, Tensor]:
    """What a model with a second stream reads: rows of which the first is padded."""
    if not reads_source(subject):
        return {}
    valid = torch.ones(b, 5, dtype=torch.bool)
    valid[0, 3:] = False
    return {"source": draw(subject, b, 5), "source_valid": valid}


def _pick(source: dict[str, Tensor], rows: Tensor) -> dict[str, Tensor]:
    return {name: t[rows] for name, t in source.items()}


def _can(model: Topology) -> bool:
    """Whether it can decode; if not, that it says so."""
    if not lacking(model, "decode"):
        return True
    try:
        model.new_state()
    except NotImplementedError:
        return False
    raise Broken("its attention cannot decode step by step, yet `new_state` does not say so")


@check("topology", "cached decoding is the full pass", when=predicts)
@torch.no_grad()
def cached(subject: Subject) -> None:
    model: Topology = subject.build()
    if not _can(model):
        return
    ids, source = draw(subject, 2, LONG), _source(subject, 2)
    whole = run(model, subject, ids, **source).hidden
    for sizes in ([1], [LONG], [5, 1], [1, 4, 2]):
        stepped = step(model, subject, ids, model.new_state(), sizes, source=source)
        same(stepped, whole, f"decoding in pieces of {sizes} is not the full pass")


@check("topology", "cached decoding of left-padded rows is each row", when=predicts)
@torch.no_grad()
def cached_with_padding(subject: Subject) -> None:
    model: Topology = subject.build()
    if not _can(model):
        return
    rows, source = [draw(subject, 1, n)[0] for n in (LONG, LONG - 3)], _source(subject, 2)
    ids, valid = padded(rows, left=True)
    alone = [run(model, subject, row[None], **_pick(source, torch.tensor([i]))).hidden[0] for i, row in enumerate(rows)]
    for sizes in ([5, 1], [2, 3, 1]):
        stepped = step(model, subject, ids, model.new_state(), sizes, source=source, valid=valid)
        same(stepped[valid], torch.cat(alone), f"decoding left-padded rows in pieces of {sizes} is not each row alone")


@check("topology", "beams can be reordered while decoding", when=predicts)
@torch.no_grad()
def beams(subject: Subject) -> None:
    model: Topology = subject.build()
    if not _can(model):
        return
    source, order, half = _source(subject, 2), torch.tensor([1, 1, 0]), LONG // 2
    rows = [draw(subject, 1, n)[0] for n in (half, half - 2)]
    ids, valid = padded(rows, left=True)
    state: DecodeState = model.new_state()
    step(model, subject, ids, state, [4, 1], source=source, valid=valid)
    rest = draw(subject, 3, 4)
    stepped = step(model, subject, rest, state.select(order), [1])
    for number, row in enumerate(order.tolist()):
        whole = run(model, subject, torch.cat([rows[row], rest[number]])[None], **_pick(source, order[number, None]))
        same(stepped[number], whole.hidden[0, -4:], "a state whose rows were selected continues wrongly")
    again = step(model, subject, rest[:2], state, [1])
    whole = run(model, subject, torch.cat([rows[0], rest[0]])[None], **_pick(source, torch.tensor([0])))
    same(again[0], whole.hidden[0, -4:], "selecting rows of a state changes the state that they came from")
