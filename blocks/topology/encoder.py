"""A bidirectional stack: each token sees all tokens."""

from __future__ import annotations

from torch import Tensor

from blocks.attention import Attention, FullAttention
from blocks.coords import Coords
from blocks.embedding import Embedding, Marks, TokenEmbedding
from blocks.feedforward import FeedForward, Mlp
from blocks.head import Head, LMHead
from blocks.init import Init, draw_seed
from blocks.masks import Full
from blocks.norm import LayerNorm, Norm
from blocks.placement import Placement, Pre
from blocks.position import Position, Rotary
from blocks.stack import FinalNorm, Flow, LayerPlan, Stack, StackPlan
from blocks.tap import Tap
from blocks.topology.base import Output, Topology, marks_of
from blocks.topology.layers import Layers, LayerType, plan_layers
from registry import Build, Need, build, part
from registry.types import PositiveInt, Probability


@part("topology", "encoder", paper="Devlin et al. 2018 (BERT), arXiv 1810.04805")
class Encoder(Topology):
    """One bidirectional stack: classification, masked language models; over tokens, or what the embedding reads.

    Options as in `decoder`; the same defaults.
    """

    provides = frozenset({"encoder", "one stream", "bidirectional", "window", "padding", "segments"})
    needs = (Need("attention", "bidirectional", "a token sees earlier and later ones"),)

    def __init__(
        self,
        *,
        dim: PositiveInt,
        layers: Layers = 6,
        heads: PositiveInt = 8,
        vocab: PositiveInt | None = None,
        attention: Build[Attention] = FullAttention,
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
        layer_types: dict[str, LayerType] | None = None,
    ) -> None:
        super().__init__()
        seed = draw_seed()
        self.vocab = vocab
        usual = LayerPlan(heads, attention, position, norm, placement, feedforward, dropout=dropout)
        plans = plan_layers(layers, layer_types or {}, usual)
        self.embedding = build(embedding, dim=dim, vocab=self.vocab)
        causal = False
        self.stack = Stack(StackPlan(dim, "encoder", plans, len(plans), 0, causal, final_norm, final_dropout))
        self.head = build(head, dim=dim, vocab=self.vocab)
        self.stack.initialise(init, seed, embedding=self.embedding, head=self.head)

    @property
    def longest(self) -> int | None:
        return self.stack.longest

    def forward(
        self,
        tokens: Tensor,
        *,
        valid: Tensor | None = None,
        segment: Tensor | None = None,
        globals: Tensor | None = None,
        types: Tensor | None = None,
    ) -> Tensor:
        """Logits by the head; arguments as in `run`."""
        return self.run(tokens, valid=valid, segment=segment, globals=globals, types=types).logits

    def run(
        self,
        tokens: Tensor,
        *,
        valid: Tensor | None = None,
        segment: Tensor | None = None,
        globals: Tensor | None = None,
        types: Tensor | None = None,
        tap: Tap | None = None,
    ) -> Output:
        """tokens: int [b n], or what the embedding reads; valid, globals: bool [b n]; segment, types: int [b n].

        tap: to look inside.
        """
        marks = marks_of(None, valid=valid, segment=segment, globals=globals, types=types)
        return self.read_out(*self.encode(tokens, marks, tap))

    def encode(self, tokens: Tensor, marks: Marks, tap: Tap | None = None) -> tuple[Tensor, Coords]:
        """What the head reads, [b n m], and its coordinates; arguments as in `run`."""
        stream = self.embedding(tokens, marks, self.stack.embed)
        return self.stack(stream.x, Flow(stream.at, Full(), tap=tap)), stream.at
