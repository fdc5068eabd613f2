"""A bidirectional stack over a source, and a causal stack that reads it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from blocks.attention import Attention, FullAttention
from blocks.coords import Coords
from blocks.embedding import Embedding, TokenEmbedding
from blocks.feedforward import FeedForward, Mlp
from blocks.head import Head, LMHead
from blocks.init import Init, draw_seed
from blocks.masks import Causal, Full
from blocks.norm import LayerNorm, Norm
from blocks.placement import Placement, Pre
from blocks.position import Position, Rotary
from blocks.stack import Flow, LayerPlan, Stack, StackPlan
from blocks.topology.base import DecodeState, Output, Topology, coordinates, required
from blocks.topology.layers import Layers, LayerType, overridden, plan_layers
from registry import Build, Need, build, part
from registry.types import PositiveInt, Probability


@dataclass(frozen=True)
class Side(LayerType):
    """What sets one stack apart from the model's own; None: as the model has it."""

    layers: Layers | None = None


@dataclass(frozen=True)
class EncoderSide(Side):
    """What sets the encoder apart."""

    needs: ClassVar[Iterable[Need]] = (
        Need("attention", "bidirectional", "a source token sees earlier and later ones"),
    )


@dataclass(frozen=True)
class DecoderSide(Side):
    """What sets the decoder apart."""

    needs: ClassVar[Iterable[Need]] = (Need("attention", "causal", "a token must not see later ones"),)


@part("topology", "encoder_decoder", paper="Vaswani et al. 2017, arXiv 1706.03762, figure 1")
class EncoderDecoder(Topology):
    """An encoder over a source and a decoder that reads it by cross-attention: translation, summarisation, speech.

    cross_attention: the decoder's attention to the encoder. encoder, decoder: what sets one stack apart, its number of
    layers included. shared_embedding: one table for source and target. source_vocab: for a source with a vocabulary of
    its own (shared_embedding: false). Other options as in `decoder`; the initialisation is xavier by default.
    """

    provides = frozenset(
        {"encoder_decoder", "next token", "source", "bidirectional", "causal", "cross", "window", "padding", "decode"}
    )
    needs = (Need("cross_attention", "cross", "the decoder reads the encoder's stream"),)

    def __init__(
        self,
        *,
        dim: PositiveInt,
        layers: Layers = 6,
        heads: PositiveInt = 8,
        vocab: PositiveInt | None = None,
        source_vocab: PositiveInt | None = None,
        shared_embedding: bool = True,
        attention: Build[Attention] = FullAttention,
        cross_attention: Build[Attention] = FullAttention,
        position: Build[Position] = Rotary,
        norm: Build[Norm] = LayerNorm,
        placement: Build[Placement] = Pre,
        feedforward: Build[FeedForward] = Mlp,
        embedding: Build[Embedding] = TokenEmbedding,
        head: Build[Head] = LMHead,
        init: Build[Init] | None = None,
        dropout: Probability = 0.0,
        final_norm: bool | None = None,
        encoder: EncoderSide = EncoderSide(),
        decoder: DecoderSide = DecoderSide(),
        layer_types: dict[str, LayerType] | None = None,
    ) -> None:
        super().__init__()
        seed = draw_seed()
        self.vocab = required(vocab)
        if shared_embedding and source_vocab not in (None, self.vocab):
            raise ValueError(
                f"one table cannot serve {source_vocab} source and {vocab} target tokens: shared_embedding: false"
            )
        types = layer_types or {}
        usual = LayerPlan(heads, attention, position, norm, placement, feedforward, dropout=dropout)
        reading = LayerPlan(heads, attention, position, norm, placement, feedforward, cross_attention, dropout)
        source_plans = plan_layers(encoder.layers or layers, types, overridden(usual, encoder))
        target_plans = plan_layers(decoder.layers or layers, types, overridden(reading, decoder))
        depths = len(source_plans), len(target_plans)

        self.embedding = build(embedding, dim=dim, vocab=self.vocab)
        own = None if shared_embedding else build(embedding, dim=dim, vocab=source_vocab or self.vocab)
        self.source_embedding = own
        self.encoder = Stack(StackPlan(dim, "encoder", source_plans, *depths, causal=False, final_norm=final_norm))
        self.decoder = Stack(StackPlan(dim, "decoder", target_plans, *depths, causal=True, final_norm=final_norm))
        self.head = build(head, dim=dim, vocab=self.vocab)
        self.encoder.initialise(init, seed)
        self.decoder.initialise(
            init, seed, embedding=self.embedding, source_embedding=self.source_embedding, head=self.head
        )

    def forward(
        self,
        tokens: Tensor,
        *,
        source: Tensor | None = None,
        source_valid: Tensor | None = None,
        valid: Tensor | None = None,
        state: DecodeState | None = None,
    ) -> Tensor:
        """Logits by the head, [b n v] for `lm`; arguments as in `run`."""
        return self.run(tokens, source=source, source_valid=source_valid, valid=valid, state=state).logits

    def run(
        self,
        tokens: Tensor,
        *,
        source: Tensor | None = None,
        source_valid: Tensor | None = None,
        valid: Tensor | None = None,
        state: DecodeState | None = None,
    ) -> Output:
        """tokens: int [b n], the decoder's input; source: int [b k], needed unless the state has read it already.

        valid: bool [b n]; source_valid: bool [b k]. Raises ValueError when there is no source.
        """
        if source is not None:
            read, source_at = self.encode(source, source_valid)
            if state is not None:
                state.source, state.source_at = read, source_at
        elif state is not None and state.source is not None and state.source_at is not None:
            read, source_at = state.source, state.source_at
        else:
            raise ValueError("an encoder_decoder needs `source`, or a state that has read one")
        at = coordinates(tokens, valid=valid, state=state)
        x = self.embedding(tokens, at, self.decoder.embed)
        flow = Flow(at, Causal(), read, source_at)
        hidden = self.decoder(x, flow, None if state is None else state.caches)
        if state is not None:
            state.advance(at)
        return Output(self.head(hidden, at, self.embedding.weight), hidden, read)

    def encode(self, source: Tensor, source_valid: Tensor | None = None) -> tuple[Tensor, Coords]:
        """source: int [b k] -> the encoder's stream [b k m] and its coordinates."""
        at = coordinates(source, valid=source_valid)
        embedding = self.embedding if self.source_embedding is None else self.source_embedding
        return self.encoder(embedding(source, at, self.encoder.embed), Flow(at, Full())), at

    def new_state(self) -> DecodeState:
        """A state in which nothing has been decoded. Raises NotImplementedError for kinds without a cache."""
        return DecodeState(self.decoder.new_caches())
