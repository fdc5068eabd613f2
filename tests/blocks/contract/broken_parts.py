"""Norms, feed-forward sublayers, placements, embeddings, heads and initialisations with one mistake each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from blocks.coords import Coords
from blocks.embedding import Embedded, Embedding, Marks, TokenEmbedding
from blocks.embedding.base import Place
from blocks.feedforward import Mlp
from blocks.head import Head, LMHead
from blocks.init import Init, Site
from blocks.linear import Role
from blocks.norm import LayerNorm, Norm
from blocks.placement import Placement, Sublayer
from registry import Build, build

GRADIENTS = "finite gradients reach every parameter"
CHANCE = "evaluation has no chance in it and leaves inputs alone"
SAVES, DTYPE, FLOAT64, META = (
    "saves and loads",
    "dtype follows parameters and inputs",
    "float64 stays float64",
    "runs on the meta device",
)


def with_mistakes(right: type[nn.Module]) -> dict[str, type[nn.Module]]:
    """A right module with each mistake against the promises that all modules make."""

    class Base(right):  # type: ignore[misc, valid-type]
        def __init__(self, dim: int, vocab: int, steps: int, norm: Build[Norm]) -> None:
            given: dict[str, Any] = {"dim": dim, "vocab": vocab, "steps": steps, "norm": norm}
            made = build(right, **given)
            self.__dict__.update(made.__dict__)

    class Unused(Base):
        def __init__(self, dim: int, vocab: int, steps: int, norm: Build[Norm]) -> None:
            super().__init__(dim, vocab, steps, norm)
            self.forgotten = nn.Parameter(torch.ones(3))

    class ForgetsState(Base):
        def __init__(self, dim: int, vocab: int, steps: int, norm: Build[Norm]) -> None:
            super().__init__(dim, vocab, steps, norm)
            self.noise = torch.randn(())

    # the methods through which a stream leaves a module
    last = "close" if issubclass(right, Placement) else "forward"

    def leaving(change: Callable[[Any, Tensor], Tensor], base: type) -> type:
        def leave(self: Any, *args: Any) -> Any:
            left = getattr(right, last)(self, *args)
            if isinstance(left, Embedded):
                return replace(left, x=change(self, left.x))
            return change(self, left)

        return type(f"{right.__name__}{change.__name__.title()}", (base,), {last: leave})

    def chance(self: Any, y: Tensor) -> Tensor:
        return functional.dropout(y, 0.1)

    def single(self: Any, y: Tensor) -> Tensor:
        return y.float()

    def rounded(self: Any, y: Tensor) -> Tensor:
        return y.float().to(y.dtype)

    def numbers(self: Any, y: Tensor) -> Tensor:
        return y if float(y.abs().max()) < 1e9 else y * 0

    def noisy(self: Any, y: Tensor) -> Tensor:
        return y + self.noise.to(y)

    return {
        GRADIENTS: type(f"{right.__name__}Unused", (Unused,), {}),
        CHANCE: leaving(chance, Base),
        SAVES: leaving(noisy, ForgetsState),
        DTYPE: leaving(single, Base),
        FLOAT64: leaving(rounded, Base),
        META: leaving(numbers, Base),
    }


class FlatOnly(LayerNorm):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) if x.dim() == 3 else 2 * super().forward(x)


class MixesTokens(Norm):
    def forward(self, x: Tensor) -> Tensor:
        return x - 0.1 * x.mean(-2, keepdim=True)


class MixesRows(Mlp):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x - 0.1 * x.mean(0, keepdim=True))


class DividesByZero(Norm):
    def forward(self, x: Tensor) -> Tensor:
        return x / x.square().mean(-1, keepdim=True).sqrt()


class Shift(Mlp):
    """A convolution's usual slip: the token before takes part."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + 0.1 * x.roll(1, dims=-2)


class Plain(Placement):
    """Right: x + f(norm(x))."""

    def __init__(self, dim: int, steps: int, norm: Build[Norm]) -> None:
        super().__init__()
        self.norms = nn.ModuleList(build(norm, dim=dim) for _ in range(steps))

    def step(self, number: int, state: Tensor, sublayer: Sublayer) -> Tensor:
        return state + sublayer(self.norms[number](state))


class Skips(Plain):
    def step(self, number: int, state: Tensor, sublayer: Sublayer) -> Tensor:
        return super().step(number, state, sublayer) if number < 1 else state


class Repeats(Plain):
    def step(self, number: int, state: Tensor, sublayer: Sublayer) -> Tensor:
        sublayer(state)
        return super().step(number, state, sublayer)


class DropsBranch(Plain):
    def step(self, number: int, state: Tensor, sublayer: Sublayer) -> Tensor:
        return super().step(number, state, sublayer) if number != 1 else state + 0 * sublayer(state)


class MixesPlacement(Plain):
    def close(self, state: Tensor) -> Tensor:
        return state + 0.1 * state.mean(1, keepdim=True)


class KeepsState(Plain):
    def open(self, x: Tensor) -> Tensor:
        self.first = x
        return x

    def close(self, state: Tensor) -> Tensor:
        return state + 0.1 * self.first


class CutsBranch(Plain):
    def step(self, number: int, state: Tensor, sublayer: Sublayer) -> Tensor:
        return state + sublayer(self.norms[number](state)).detach()


class SaysNothing(Plain):
    final_norm = None  # type: ignore[assignment]


class SumsNeighbours(TokenEmbedding):
    def forward(self, inputs: Tensor, marks: Marks, place: Place) -> Embedded:
        made = super().forward(inputs, marks, place)
        return replace(made, x=made.x + self.table(inputs).mean(1, keepdim=True))


class ForgetsPlace(TokenEmbedding):
    def forward(self, inputs: Tensor, marks: Marks, place: Place) -> Embedded:
        return super().forward(inputs, marks, lambda x, at: x)


class PlacesTwice(TokenEmbedding):
    def forward(self, inputs: Tensor, marks: Marks, place: Place) -> Embedded:
        return super().forward(inputs, marks, lambda x, at: place(place(x, at), at))


class ForgetsThePast(TokenEmbedding):
    def forward(self, inputs: Tensor, marks: Marks, place: Place) -> Embedded:
        return super().forward(inputs, replace(marks, start=0, offset=None), place)


class MixesRowsOfBatch(TokenEmbedding):
    def forward(self, inputs: Tensor, marks: Marks, place: Place) -> Embedded:
        made = super().forward(inputs, marks, place)
        return replace(made, x=made.x - made.x.mean(0, keepdim=True))


class SaysNothingOfInputs(TokenEmbedding):
    provides = frozenset()


class OtherTable(TokenEmbedding):
    @property
    def weight(self) -> Tensor:
        return self.table.weight.clone()


class WrongShape(LMHead):
    def forward(self, hidden: Tensor, at: Coords, embedding: Embedding) -> Tensor:
        return super().forward(hidden, at, embedding)[..., 1:]


class SaysNothingOfLogits(LMHead):
    provides = frozenset()


class PeeksAtNeighbours(LMHead):
    def forward(self, hidden: Tensor, at: Coords, embedding: Embedding) -> Tensor:
        return super().forward(hidden + hidden.roll(1, 1), at, embedding)


class MixesRowsOfHead(LMHead):
    def forward(self, hidden: Tensor, at: Coords, embedding: Embedding) -> Tensor:
        return super().forward(hidden - hidden.mean(0, keepdim=True), at, embedding)


class PoolsPadding(Head):
    provides = frozenset({"classes"})

    def forward(self, hidden: Tensor, at: Coords, embedding: Embedding) -> Tensor:
        return hidden.mean(1)


class EmptyIsNaN(Head):
    provides = frozenset({"classes"})

    def forward(self, hidden: Tensor, at: Coords, embedding: Embedding) -> Tensor:
        if at.valid is None:
            return hidden.mean(1)
        valid = at.valid.expand(len(hidden), -1).to(hidden.dtype)
        return torch.einsum("b n m, b n -> b m", hidden, valid) / valid.sum(1, keepdim=True)


class ComparesByRank(Head):
    """How similar two vectors are depends on the others that they are compared with."""

    provides = frozenset({"vector", "similarity"})

    def forward(self, hidden: Tensor, at: Coords, embedding: Embedding) -> Tensor:
        valid = torch.ones_like(hidden[..., 0]) if at.valid is None else at.valid.expand(len(hidden), -1).to(hidden)
        return torch.einsum("b n m, b n -> b m", hidden, valid)

    def compare(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.einsum("b w, c w -> b c", a, b).softmax(-1)


class ForgetsARole(Init):
    def fill(self, weight: Tensor, role: Role, site: Site) -> None:
        if role != "ff_gate":
            weight.normal_()


class NotInPlace(Init):
    def fill(self, weight: Tensor, role: Role, site: Site) -> None:
        weight = torch.randn_like(weight)


class OwnSeed(Init):
    def fill(self, weight: Tensor, role: Role, site: Site) -> None:
        weight.normal_(generator=torch.Generator().manual_seed(torch.Generator().seed() % 2**31))


class FixedSeed(Init):
    def fill(self, weight: Tensor, role: Role, site: Site) -> None:
        weight.copy_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(0)))


class Freezes(Init):
    def fill(self, weight: Tensor, role: Role, site: Site) -> None:
        weight.normal_().requires_grad_(False)


class AsksForNumbers(Init):
    def fill(self, weight: Tensor, role: Role, site: Site) -> None:
        assert float(weight.normal_().std()) > 0


BUGS: list[tuple[str, type, str]] = [
    ("norm", FlatOnly, "keeps the shape, for any axes before the last"),
    ("norm", MixesTokens, "each token by itself"),
    ("norm", DividesByZero, "each token by itself"),
    ("feedforward", FlatOnly, "keeps the shape, for any axes before the last"),
    ("feedforward", Shift, "each token by itself"),
    ("feedforward", MixesRows, "each token by itself"),
    ("placement", Skips, "runs each sublayer once, in order, on the stream's shape"),
    ("placement", Repeats, "runs each sublayer once, in order, on the stream's shape"),
    ("placement", DropsBranch, "every sublayer and the stream reach the output"),
    ("placement", MixesPlacement, "keeps tokens apart and remembers nothing"),
    ("placement", KeepsState, "two layers may run at the same time"),
    ("placement", CutsBranch, "gradients reach every sublayer"),
    ("placement", SaysNothing, "says what a stack needs to know"),
    ("embedding", SumsNeighbours, "one vector for each token, another for another token"),
    ("embedding", ForgetsPlace, "calls what the position scheme adds, once, with the coordinates"),
    ("embedding", PlacesTwice, "calls what the position scheme adds, once, with the coordinates"),
    ("embedding", SaysNothingOfInputs, "says what it reads, and has an example of it"),
    ("embedding", MixesRowsOfBatch, "rows of a batch do not know of each other"),
    ("embedding", ForgetsThePast, "tokens stand where the batch and the past say"),
    ("embedding", OtherTable, "shows the table that a tied head shares"),
    ("head", WrongShape, "says what its logits are of, and they are"),
    ("head", SaysNothingOfLogits, "says what its logits are of, and they are"),
    ("head", PeeksAtNeighbours, "logits of a token come from that token"),
    ("head", MixesRowsOfHead, "rows of a batch do not know of each other"),
    ("head", PoolsPadding, "padding is invisible"),
    ("head", EmptyIsNaN, "padding is invisible"),
    ("head", ComparesByRank, "compares vectors, of each row with its own or with every other"),
    ("init", ForgetsARole, "fills every weight of every role, in place"),
    ("init", NotInPlace, "fills every weight of every role, in place"),
    ("init", OwnSeed, "the same seed gives the same weights"),
    ("init", FixedSeed, "the same seed gives the same weights"),
    ("init", Freezes, "fills a whole module, biases with zeros"),
    ("init", AsksForNumbers, "runs on the meta device"),
]
for family, right in (
    ("norm", LayerNorm),
    ("feedforward", Mlp),
    ("placement", Plain),
    ("embedding", TokenEmbedding),
    ("head", LMHead),
):
    BUGS += [(family, broken, name) for name, broken in with_mistakes(right).items()]
