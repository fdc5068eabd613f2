"""A layer is a list of sublayers inside a placement; a stack is a list of layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from torch import Tensor, nn

from blocks.attention import Attention
from blocks.attention.cache import Cache
from blocks.coords import Coords
from blocks.depth import Stream
from blocks.feedforward import FeedForward
from blocks.init import Init, Site, XavierInit, initialise
from blocks.masks import Mask
from blocks.norm import Norm
from blocks.placement import Placement
from blocks.position import Position
from blocks.position.between import between
from blocks.tap import Tap
from registry import Build, build

M = TypeVar("M", bound=nn.Module)

FinalNorm: TypeAlias = bool | Literal["every_layer"]
"""Whether a norm ends a stack. every_layer: each layer's output passes through it too, the last one's twice."""


@dataclass(frozen=True)
class LayerPlan:
    """What one layer is made of. cross: attention to another stream, where there is one.

    shared: all layers of this very plan are one layer, used again.
    """

    heads: int
    attention: Build[Attention]
    position: Build[Position]
    norm: Build[Norm]
    placement: Build[Placement]
    feedforward: Build[FeedForward]
    cross: Build[Attention] | None = None
    dropout: float = 0.0
    shared: bool = False


@dataclass(frozen=True)
class StackPlan:
    """The layers of one stack, and the depths of both stacks of the model (0: no such stack).

    final_norm: as the placement has it if None. final_dropout: after it.
    """

    dim: int
    stream: Stream
    layers: Sequence[LayerPlan]
    encoder_layers: int
    decoder_layers: int
    causal: bool
    final_norm: FinalNorm | None
    final_dropout: float = 0.0


@dataclass(frozen=True)
class Flow:
    """What every layer of a stack is given beside the stream.

    source: [b k m], another stream to read, or None; source_at, source_position: where its tokens stand, and the scheme
    of its stack. tap: what wants to look inside.
    """

    at: Coords
    mask: Mask
    source: Tensor | None = None
    source_at: Coords | None = None
    source_position: Position | None = None
    tap: Tap | None = None


@dataclass
class LayerCache:
    """Caches of one layer's attention, and of its cross-attention where there is one."""

    attention: Cache
    cross: Cache | None

    def select(self, rows: Tensor) -> LayerCache:
        return LayerCache(self.attention.select(rows), None if self.cross is None else self.cross.select(rows))


class Layer(nn.Module):
    """Attention, cross-attention where there is another stream, feed-forward; each inside the placement."""

    def __init__(self, plan: LayerPlan, stack: StackPlan, number: int) -> None:
        super().__init__()
        self._stream, self.first = stack.stream, number
        self.attention = build(plan.attention, dim=stack.dim, heads=plan.heads, layer=number)
        self.cross = None if plan.cross is None else build(plan.cross, dim=stack.dim, heads=plan.heads, layer=number)
        self.feedforward = build(plan.feedforward, dim=stack.dim)
        self.placement = build(
            plan.placement,
            dim=stack.dim,
            steps=2 if plan.cross is None else 3,
            norm=plan.norm,
            stream=stack.stream,
            encoder_layers=stack.encoder_layers,
            decoder_layers=stack.decoder_layers,
        )
        self.dropout = nn.Dropout(plan.dropout) if plan.dropout else nn.Identity()

    def forward(
        self, x: Tensor, flow: Flow, position: Position, cache: LayerCache | None = None, number: int | None = None
    ) -> Tensor:
        """x: [b n m] -> [b n m]. number: of this layer in its stack, in which a shared one has several."""
        tap, place = flow.tap, self.first if number is None else number

        def attend(y: Tensor) -> Tensor:
            past = None if cache is None else cache.attention
            given: dict[str, Any] = {"mask": flow.mask, "position": position, "cache": past}
            if tap is not None:
                tap.attend(self._stream, place, self.attention, y, flow.at, **given)
            return self.dropout(self.attention(y, flow.at, **given))

        def read(y: Tensor) -> Tensor:
            assert self.cross is not None
            past = None if cache is None else cache.cross
            given: dict[str, Any] = {"source": flow.source, "source_at": flow.source_at}
            given["position"] = between(position, flow.source_position)
            if tap is not None:
                tap.read(place, self.cross, y, flow.at, **given)
            return self.dropout(self.cross(y, flow.at, **given, cache=past))

        def think(y: Tensor) -> Tensor:
            return self.dropout(self.feedforward(y))

        sublayers = [attend, think] if self.cross is None else [attend, read, think]
        state = self.placement.open(x)
        for step, sublayer in enumerate(sublayers):
            state = self.placement.step(step, state, sublayer)
        return self.placement.close(state)

    def new_cache(self) -> LayerCache:
        return LayerCache(self.attention.new_cache(), None if self.cross is None else self.cross.new_cache(cross=True))


class Modules(nn.ModuleList, Generic[M]):
    """A `nn.ModuleList` that knows what it holds."""

    def __init__(self, modules: Sequence[M]) -> None:
        super().__init__(modules)

    def __iter__(self) -> Iterator[M]:
        return super().__iter__()  # type: ignore[return-value]

    def __getitem__(self, number: int) -> M:  # type: ignore[override]
        return super().__getitem__(number)  # type: ignore[return-value]


class Stack(nn.Module):
    """Layers one after the other, then a norm where the placement or the plan asks for one, and dropout.

    Position schemes stand beside the layers: one instance serves all layers that name the same scheme, unless the
    scheme wants its own in each.
    """

    def __init__(self, plan: StackPlan) -> None:
        super().__init__()
        self.plan = plan
        layers = _layers(plan)
        positions, self.position_of = _place(layers, plan)
        self.layers = Modules(layers)
        self.positions = Modules(positions)
        ends = layers[-1].placement.final_norm if plan.final_norm is None else plan.final_norm
        self.norm = build(plan.layers[-1].norm, dim=plan.dim) if ends else nn.Identity()
        self.every_layer = plan.final_norm == "every_layer"
        self.dropout = nn.Dropout(plan.final_dropout) if plan.final_dropout else nn.Identity()

    def embed(self, x: Tensor, at: Coords) -> Tensor:
        """What the position schemes add at the input. x: [b n m] -> [b n m]."""
        for position in self.positions:
            x = position.embed(x, at)
        return x

    @property
    def longest(self) -> int | None:
        """How many tokens the position schemes can tell apart, None for no limit."""
        return min((p.length for p in self.positions if p.length is not None), default=None)

    def forward(self, x: Tensor, flow: Flow, caches: Sequence[LayerCache | None] | None = None) -> Tensor:
        """x: [b n m] -> [b n m]. caches: one for each layer, None for one that sees these tokens alone."""
        if flow.tap is not None:
            flow.tap.see(self.plan.stream, x)
        for number, layer in enumerate(self.layers):
            x = layer(x, flow, self.position(number), None if caches is None else caches[number], number)
            if flow.tap is not None:
                flow.tap.see(self.plan.stream, x)
            x = self.norm(x) if self.every_layer else x
        return self.dropout(self.norm(x))

    def position(self, layer: int) -> Position:
        """The scheme of a layer, counted from 0 or, if negative, from the end."""
        return self.positions[self.position_of[layer]]

    def new_caches(self) -> list[LayerCache | None]:
        return [layer.new_cache() for layer in self.layers]

    def site(self) -> Site:
        """Where the stack's weights stand, for their initialisation."""
        plan, steps = self.plan, 2 if self.plan.layers[0].cross is None else 3
        head_dim = self.layers[0].attention.head_dim
        return Site(plan.dim, head_dim, steps * len(plan.layers), plan.stream, plan.encoder_layers, plan.decoder_layers)

    def initialise(self, init: Build[Init] | None, seed: int, **beside: nn.Module | None) -> None:
        """Fill the weights of the stack and of modules beside it by `init`, or by the placement's own, or by xavier."""
        site, place = self.site(), self.plan.stream
        # a shared layer is filled once
        for layer in dict.fromkeys(self.layers):
            own = build(init or layer.placement.own_init or XavierInit)
            initialise(layer, own, site, seed=seed, place=f"{place}.layers.{layer.first}")
        outer = build(init or self.layers[0].placement.own_init or XavierInit)
        initialise(self.positions, outer, site, seed=seed, place=f"{place}.positions")
        for name, module in beside.items():
            if module is not None:
                initialise(module, outer, site, seed=seed, place=name)


def _layers(plan: StackPlan) -> list[Layer]:
    """A layer for each plan; one that is shared stands wherever its plan does."""
    layers: list[Layer] = []
    made: dict[int, Layer] = {}
    for number, layer in enumerate(plan.layers):
        again = made.get(id(layer)) if layer.shared else None
        layers.append(again or Layer(layer, plan, number))
        made[id(layer)] = layers[-1]
    return layers


def _place(layers: Sequence[Layer], plan: StackPlan) -> tuple[list[Position], list[int]]:
    """The position schemes of a stack, and which of them each layer uses."""
    positions: list[Position] = []
    numbers: list[int] = []
    shared: dict[tuple[int, ...], int] = {}
    latest: dict[int, Position] = {}
    for layer, layer_plan in zip(layers, plan.layers, strict=True):
        heads, head_dim = layer.attention.heads, layer.attention.head_dim
        # layers of one type name the very same builder
        anywhere = (id(layer_plan.position),)
        here = (*anywhere, heads, head_dim)
        number = shared.get(anywhere, shared.get(here))
        if number is None:
            number = len(positions)
            sizes = {"dim": plan.dim, "heads": heads, "head_dim": head_dim, "causal": plan.causal}
            position = build(layer_plan.position, **sizes, earlier=latest.get(id(layer_plan.position)))
            latest[id(layer_plan.position)] = position
            positions.append(position)
            if position.shared:
                # what acts on the stream alone does so once, whatever heads the layers have
                shared[here if position.hooks else anywhere] = number
        numbers.append(number)
    return positions, numbers
