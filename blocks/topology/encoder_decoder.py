"""A bidirectional stack over a source, and a causal stack that reads it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from blocks.attention import Attention, FullAttention
from blocks.coords import Coords
from blocks.embedding import Embedding, TokenEmbedding
from blocks.feedforward import FeedForward, Mlp
from blocks.head import Head, LMHead
from blocks.init import Init, draw_seed
from blocks.masks import Causal, Full, Mask
from blocks.norm import LayerNorm, Norm
from blocks.placement import Placement, Pre
from blocks.position import Position, Rotary
from blocks.stack import FinalNorm, Flow, LayerPlan, Stack, StackPlan
from blocks.tap import Tap
from blocks.topology.base import DecodeState, Output, Topology, marks_of
from blocks.topology.layers import Layers, LayerType, overridden, plan_layers
from registry import Build, Need, build, part
from registry.types import PositiveInt, Probability


@dataclass(frozen=True)
class Side(LayerType):
    """What sets one stack apart from the model's own; None: as the model has it."""

    layers: Layers | None = None
    final_norm: FinalNorm | None = None


@dataclass(frozen=True)
class EncoderSide(Side):
    """What sets the encoder apart. embedding: of a source that is read by other means than the target."""

    embedding: Build[Embedding] | None = None

    needs: ClassVar[Iterable[Need]] = (
        Need("attention", "bidirectional", "a source token sees earlier and later ones"),
    )


@dataclass(frozen=True)
class DecoderSide(Side):
    """What sets the decoder apart. causal: whether its tokens must not see later ones."""

    causal: bool = True

    needs: ClassVar[Iterable[Need]] = (
        Need("attention", "causal", "a token must not see later ones", when={"causal": True}),
        Need("attention", "bidirectional", "a token sees earlier and later ones", when={"causal": False}),
        Need("task", "set", "tokens that see each other know the next one", when={"causal": False}),
    )


@part("topology", "encoder_decoder", paper="Vaswani et al. 2017, arXiv 1706.03762, figure 1")
class EncoderDecoder(Topology):
    """An encoder over a source and a decoder that reads it by cross-attention: translation, summarisation, speech.

    cross_attention: the decoder's attention to the encoder. encoder, decoder: what sets one stack apart, its number of
    layers included; encoder.embedding reads a source that is no text, or text by other options; decoder.causal: false
    lets the decoder's tokens see each other (DETR). shared_embedding: one embedding for source and target; table for
    one table, but norms and kinds of tokens of their own (BART). source_vocab: for a source with a vocabulary of its
    own (shared_embedding: false). Other options as in `decoder`; initialisation xavier by default.
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
        shared_embedding: bool | Literal["table"] = True,
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
        final_norm: FinalNorm | None = None,
        final_dropout: Probability = 0.0,
        encoder: EncoderSide = EncoderSide(),
        decoder: DecoderSide = DecoderSide(),
        layer_types: dict[str, LayerType] | None = None,
    ) -> None:
        super().__init__()
        seed = draw_seed()
        self.vocab = vocab
        # an embedding of its own leaves the source without the target's, though perhaps with its table
        shared = shared_embedding if encoder.embedding is None or shared_embedding == "table" else False
        if shared and source_vocab not in (None, vocab):
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
        reads = None if shared is True else build(encoder.embedding or embedding, dim=dim, vocab=source_vocab or vocab)
        if reads is not None and shared == "table":
            reads.share_table(self.embedding)
        self.source_embedding = reads
        norms = [side.final_norm if side.final_norm is not None else final_norm for side in (encoder, decoder)]
        causal = False, decoder.causal
        self.encoder = Stack(StackPlan(dim, "encoder", source_plans, *depths, causal[0], norms[0], final_dropout))
        self.decoder = Stack(StackPlan(dim, "decoder", target_plans, *depths, causal[1], norms[1], final_dropout))
        self.mask: Mask = Causal() if decoder.causal else Full()
        if not decoder.causal:
            self.provides = type(self).provides - {"causal", "next token", "decode"}
        self.head = build(head, dim=dim, vocab=self.vocab)
        self.encoder.initialise(init, seed)
        self.decoder.initialise(
            init, seed, source_embedding=self.source_embedding, embedding=self.embedding, head=self.head
        )

    @property
    def longest(self) -> int | None:
        return self.decoder.longest

    def forward(
        self,
        tokens: Tensor | None = None,
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
        tokens: Tensor | None = None,
        *,
        source: Tensor | None = None,
        source_valid: Tensor | None = None,
        valid: Tensor | None = None,
        state: DecodeState | None = None,
        tap: Tap | None = None,
    ) -> Output:
        """tokens: int [b n], the decoder's input, left out where its embedding reads nothing (`queries`).

        source: int [b k], or what the encoder's embedding reads; needed unless the state has read it already.
        valid: bool [b n]; source_valid: bool [b k]. tap: to look inside. Raises ValueError when there is no source.
        """
        if source is not None:
            read, source_at = self.encode(source, source_valid, tap)
            if state is not None:
                state.source, state.source_at = read, source_at
        elif state is not None and state.source is not None and state.source_at is not None:
            read, source_at = state.source, state.source_at
        else:
            raise ValueError("an encoder_decoder needs `source`, or a state that has read one")
        if tokens is None:
            if "queries" not in self.embedding.provides:
                raise ValueError("the decoder of this model reads tokens: give them beside `source`")
            tokens = torch.empty(len(read), 0, dtype=torch.long, device=read.device)
        stream = self.embedding(tokens, marks_of(state, valid=valid), self.decoder.embed)
        flow = Flow(stream.at, self.mask, read, source_at, self.encoder.position(-1), tap)
        hidden = self.decoder(stream.x, flow, None if state is None else state.caches)
        if state is not None:
            state.advance(stream.at)
        return self.read_out(hidden, stream.at, read)

    def encode(
        self, source: Tensor, source_valid: Tensor | None = None, tap: Tap | None = None
    ) -> tuple[Tensor, Coords]:
        """source: int [b k], or what the embedding reads -> the encoder's stream [b k m] and its coordinates."""
        embedding = self.embedding if self.source_embedding is None else self.source_embedding
        stream = embedding(source, marks_of(None, valid=source_valid), self.encoder.embed)
        return self.encoder(stream.x, Flow(stream.at, Full(), tap=tap)), stream.at

    def example(self, batch: int, length: int) -> dict[str, Tensor]:
        reads = self.embedding if self.source_embedding is None else self.source_embedding
        return {**super().example(batch, length), "source": reads.example(batch, length)}

    def new_state(self) -> DecodeState:
        """A state in which nothing has been decoded.

        Raises NotImplementedError for kinds without a cache, and for a decoder that is not causal.
        """
        if "decode" not in self.provides:
            raise NotImplementedError("a decoder whose tokens see later ones does not decode step by step")
        return DecodeState(self.decoder.new_caches())
