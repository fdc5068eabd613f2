"""Attention kinds with one mistake each, the mistakes that are made in earnest."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from blocks.attention.cache import Cache, KeyValueCache, SourceCache
from blocks.attention.view import View
from blocks.coords import Coords
from blocks.masks import Both, Mask, SameSegment, Valid, Window, both, terms
from blocks.position import NoPosition, Position

from .honest import Honest


def without(mask: Mask, *kinds: type) -> Mask:
    kept: Mask = Window(10**6, 10**6)
    for term in terms(mask):
        kept = kept if isinstance(term, kinds) else both(kept, term)
    return kept


class StabiliserLooksAhead(Honest):
    def share(self, scores: Tensor, allow: Tensor) -> Tensor:
        weights = (torch.exp(scores - scores.amax(-1, keepdim=True)) + 1e-4) * allow
        return weights / (weights.sum(-1, keepdim=True) + 1e-6)


class ClaimsToLookAhead(Honest):
    provides = Honest.provides | {"look_ahead"}


class SeesNoPast(Honest):
    def allow(self, mask: Mask, at: Coords, k_at: Coords) -> Tensor:
        return super().allow(mask, at, k_at) & super().allow(Window(0, 10**6), at, k_at)


class SeesNoFuture(Honest):
    def allow(self, mask: Mask, at: Coords, k_at: Coords) -> Tensor:
        return super().allow(both(mask, Window(10**6, 0)), at, k_at)


class IgnoresWindows(Honest):
    def allow(self, mask: Mask, at: Coords, k_at: Coords) -> Tensor:
        return super().allow(without(mask, Window), at, k_at)


class NarrowsWindows(Honest):
    def allow(self, mask: Mask, at: Coords, k_at: Coords) -> Tensor:
        narrow = [replace(t, before=1) if isinstance(t, Window) else t for t in terms(mask)]
        for term in narrow:
            mask = Both(mask, term)
        return super().allow(mask, at, k_at)


class TakesEverything(Honest):
    """Declares nothing beyond the minimum and does not look at what it is asked."""

    provides = frozenset({"bidirectional", "causal"})

    def _require(self, at: Coords, source_at: Coords | None, mask: Mask, position: Position | None) -> None:
        return

    def allow(self, mask: Mask, at: Coords, k_at: Coords) -> Tensor:
        return super().allow(without(mask, Valid, SameSegment, Window), at, k_at)


class RefusesWithoutReason(TakesEverything):
    def _require(self, at: Coords, source_at: Coords | None, mask: Mask, position: Position | None) -> None:
        plain = at.segment is None and at.valid is None and source_at is None and position is None
        if not plain or len(list(terms(mask))) > 1:
            raise ValueError("cannot do that")


class IgnoresPadding(Honest):
    def allow(self, mask: Mask, at: Coords, k_at: Coords) -> Tensor:
        return super().allow(without(mask, Valid), at, k_at)


class PaddingInDenominator(IgnoresPadding):
    def values(self, v: Tensor, k_at: Coords) -> Tensor:
        return v if k_at.valid is None else v * k_at.valid[:, None, :, None]


class IgnoresSegments(Honest):
    def allow(self, mask: Mask, at: Coords, k_at: Coords) -> Tensor:
        return super().allow(without(mask, SameSegment), at, k_at)


class CountsFromLength(Honest):
    def where(self, at: Coords, x: Tensor) -> Coords:
        return replace(at, pos=torch.arange(x.shape[1], device=x.device).unsqueeze(0))


class CacheOffByOne(Honest):
    def turn(self, t: Tensor, at: Coords, role: str, position: Position, cache: Cache | None) -> Tensor:
        at = replace(at, pos=at.pos + 1) if isinstance(cache, KeyValueCache) and role == "key" else at
        return super().turn(t, at, role, position, cache)


class ForgetsRotate(Honest):
    def turn(self, t: Tensor, at: Coords, role: str, position: Position, cache: Cache | None) -> Tensor:
        return t if cache is not None and t.shape[2] == 1 else super().turn(t, at, role, position, cache)


class RingTooShort(Honest):
    def new_cache(self, *, cross: bool = False) -> Cache:
        return SourceCache() if cross else KeyValueCache(limit=16)


class ForgetsPaddingInCache(Honest):
    def turn(self, t: Tensor, at: Coords, role: str, position: Position, cache: Cache | None) -> Tensor:
        if isinstance(cache, KeyValueCache) and cache.at is not None:
            cache.at = replace(cache.at, valid=None)
        return super().turn(t, at, role, position, cache)


class SelectsNothing(Honest):
    def new_cache(self, *, cross: bool = False) -> Cache:
        made = super().new_cache(cross=cross)
        made.select = lambda rows: made  # type: ignore[method-assign]
        return made


@dataclass
class SharedOnSelect(KeyValueCache):
    """Selecting changes the cache itself."""

    def select(self, rows: Tensor) -> Cache:
        chosen = super().select(rows)
        self.__dict__.update(chosen.__dict__)
        return chosen


class SelectsInPlace(Honest):
    def new_cache(self, *, cross: bool = False) -> Cache:
        return SourceCache() if cross else SharedOnSelect()


@dataclass
class GraphCache(KeyValueCache):
    """Keeps keys and values with their history."""

    kept: list[tuple[Tensor, Tensor]] = field(default_factory=list)

    def extend(self, k: Tensor, v: Tensor, at: Coords) -> tuple[Tensor, Tensor, Coords]:
        self.kept.append((k, v))
        _, _, seen = super().extend(k, v, at)
        return torch.cat([k for k, _ in self.kept], 2), torch.cat([v for _, v in self.kept], 2), seen


class KeepsGraph(Honest):
    def new_cache(self, *, cross: bool = False) -> Cache:
        return SourceCache() if cross else GraphCache()


class BatchMean(Honest):
    def enter(self, x: Tensor) -> Tensor:
        return x - 0.1 * x.mean(0, keepdim=True)


class DropoutInEvaluation(Honest):
    def share(self, scores: Tensor, allow: Tensor) -> Tensor:
        return functional.dropout(super().share(scores, allow), 0.1)


class ChangesItsInput(Honest):
    def enter(self, x: Tensor) -> Tensor:
        return x.mul_(0.5)


class UnusedParameter(Honest):
    def __init__(self, dim: int, heads: int) -> None:
        super().__init__(dim, heads)
        self.forgotten = nn.Parameter(torch.ones(dim))


class CutsGradient(Honest):
    def values(self, v: Tensor, k_at: Coords) -> Tensor:
        return v.detach()


class ZeroGradient(Honest):
    def __init__(self, dim: int, heads: int) -> None:
        super().__init__(dim, heads)
        self.step = nn.Parameter(torch.ones(dim))

    def leave(self, y: Tensor) -> Tensor:
        return y + torch.round(4 * self.step)


class Float32Inside(Honest):
    def share(self, scores: Tensor, allow: Tensor) -> Tensor:
        return super().share(scores.float(), allow).to(scores.dtype)


class Float32Outside(Honest):
    def leave(self, y: Tensor) -> Tensor:
        return y.float()


class EmptyRowsAreNaN(Honest):
    def share(self, scores: Tensor, allow: Tensor) -> Tensor:
        return scores.masked_fill(~allow, -torch.inf).softmax(-1)


class EmptyRowsHaveNaNGradients(Honest):
    def share(self, scores: Tensor, allow: Tensor) -> Tensor:
        weights = torch.exp(scores) * allow
        return (weights / weights.sum(-1, keepdim=True)).nan_to_num(0.0)


class ForgetsBias(Honest):
    def scores(self, q: Tensor, k: Tensor, at: Coords, k_at: Coords, allow: Tensor, position: Position) -> Tensor:
        return super().scores(q, k, at, k_at, allow, _NoBias(position))


class _NoBias(Position):
    def __init__(self, inner: Position) -> None:
        super().__init__()
        self.inner = inner

    def content_bias(self, q: Tensor, k: Tensor, q_at: Coords, k_at: Coords, allowed: Tensor | None) -> Tensor | None:
        return self.inner.content_bias(q, k, q_at, k_at, allowed)


class ForgetsState(Honest):
    """Random numbers that are neither parameter nor buffer."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__(dim, heads)
        self.noise = torch.randn(dim)

    def leave(self, y: Tensor) -> Tensor:
        return y + self.noise.to(y)


class ReadsSourceCausally(Honest):
    def allow(self, mask: Mask, at: Coords, k_at: Coords) -> Tensor:
        allow = super().allow(mask, at, k_at)
        return allow if len(at) == len(k_at) else allow & super().allow(Window(10**6, 0), at, k_at)


class IgnoresSourcePadding(Honest):
    def allow(self, mask: Mask, at: Coords, k_at: Coords) -> Tensor:
        return super().allow(mask, at, k_at if k_at is at or at.valid is not None else replace(k_at, valid=None))


class AsksForNumbers(Honest):
    def leave(self, y: Tensor) -> Tensor:
        return y if float(y.abs().max()) < 1e9 else y * 0


class WantsCoordinatesOfAll(Honest):
    def where(self, at: Coords, x: Tensor) -> Coords:
        rows = torch.arange(len(x), device=x.device)
        return at if len(at.pos) > 1 else replace(at, pos=at.pos + rows.unsqueeze(1))


class SqueezesOneToken(Honest):
    def enter(self, x: Tensor) -> Tensor:
        return x if x.shape[1] > 1 else x.squeeze(1).unsqueeze(0)


CACHED = "cached decoding is the full pass"
PADDED_CACHE = "cached decoding of left-padded rows is each row"
MASKS = "obeys the masks that it declares and refuses the others"
HOOKS = "declared position hooks act and the others are refused"
GRADIENTS = "finite gradients reach every parameter"
CHANCE = "evaluation has no chance in it and leaves inputs alone"


class ClaimsNothing(Honest):
    """Says not which way it sees."""

    provides = frozenset({"padding"})


class HidesItsHeads(Honest):
    """Keeps its head layout to itself."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__(dim, heads)
        del self.head_dim


class ShowsScores(Honest):
    def shown(self, weights: Tensor) -> Tensor:
        return weights.log().clamp(min=-9.0)


class ShowsTheMean(Honest):
    def shown(self, weights: Tensor) -> Tensor:
        return weights.mean(-1, keepdim=True).expand_as(weights)


class ShowsPlainWeights(Honest):
    def weigh(self, x: Tensor, view: View) -> Tensor:
        return super().weigh(x, replace(view, position=NoPosition()))


DECLARED = "declares which way it sees, and its heads"

BUGS: list[tuple[str, type, str]] = [
    ("attention", ClaimsNothing, DECLARED),
    ("attention", HidesItsHeads, DECLARED),
    ("attention", StabiliserLooksAhead, "no token sees a later one"),
    ("attention", ClaimsToLookAhead, "what is declared to look ahead does"),
    ("attention", SeesNoPast, "a token depends on itself or on earlier ones"),
    ("attention", SeesNoFuture, "a token depends on both sides"),
    ("attention", IgnoresWindows, MASKS),
    ("attention", NarrowsWindows, MASKS),
    ("attention", TakesEverything, MASKS),
    ("attention", TakesEverything, HOOKS),
    ("attention", TakesEverything, "refuses padding that it cannot hide"),
    ("attention", TakesEverything, "refuses packed documents that it cannot keep apart"),
    ("attention", TakesEverything, "refuses a source that it cannot read"),
    ("attention", RefusesWithoutReason, MASKS),
    ("attention", RefusesWithoutReason, HOOKS),
    ("attention", RefusesWithoutReason, "refuses padding that it cannot hide"),
    ("attention", RefusesWithoutReason, "refuses packed documents that it cannot keep apart"),
    ("attention", RefusesWithoutReason, "refuses a source that it cannot read"),
    ("attention", IgnoresPadding, "padding on the left is invisible"),
    ("attention", IgnoresPadding, "padding on the right is invisible"),
    ("attention", PaddingInDenominator, "padding on the right is invisible"),
    ("attention", IgnoresSegments, "packed documents do not see each other"),
    ("attention", CountsFromLength, "padding on the left is invisible"),
    ("attention", CountsFromLength, "packed documents do not see each other"),
    ("attention", CountsFromLength, HOOKS),
    ("attention", CountsFromLength, CACHED),
    ("attention", CacheOffByOne, CACHED),
    ("attention", ForgetsRotate, CACHED),
    ("attention", RingTooShort, CACHED),
    ("attention", ForgetsPaddingInCache, PADDED_CACHE),
    ("attention", SelectsNothing, "beams can be reordered while decoding"),
    ("attention", SelectsNothing, "decoding reads a source that was projected once"),
    ("attention", SelectsInPlace, "beams can be reordered while decoding"),
    ("attention", KeepsGraph, "a cache keeps no graph"),
    ("attention", BatchMean, "a token does not depend on the rest of the batch"),
    ("attention", DropoutInEvaluation, CHANCE),
    ("attention", ChangesItsInput, CHANCE),
    ("attention", UnusedParameter, GRADIENTS),
    ("attention", CutsGradient, GRADIENTS),
    ("attention", ZeroGradient, GRADIENTS),
    ("attention", Float32Inside, "float64 stays float64"),
    ("attention", Float32Outside, "dtype follows parameters and inputs"),
    ("attention", EmptyRowsAreNaN, "a row that sees nothing is finite"),
    ("attention", EmptyRowsHaveNaNGradients, "a row that sees nothing is finite"),
    ("attention", ForgetsBias, HOOKS),
    ("attention", ForgetsState, "saves and loads"),
    ("attention", ReadsSourceCausally, "cross-attention reads all of the source, each query by itself"),
    ("attention", IgnoresSourcePadding, "padding in a source is invisible"),
    ("attention", ShowsScores, "weights are shares of what a token sees"),
    ("attention", ShowsTheMean, "weights say on what a token depends"),
    ("attention", ShowsPlainWeights, "weights follow the position scheme"),
    ("attention", AsksForNumbers, "runs on the meta device"),
    ("attention", WantsCoordinatesOfAll, "coordinates of one row serve a whole batch"),
    ("attention", SqueezesOneToken, "one token alone is a sequence"),
]
