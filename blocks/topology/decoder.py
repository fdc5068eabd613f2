"""A causal stack: each token sees the tokens up to itself."""

from __future__ import annotations

from torch import Tensor

from blocks.attention import Attention, FullAttention
from blocks.embedding import Embedding, TokenEmbedding
from blocks.feedforward import FeedForward, Mlp
from blocks.head import Head, LMHead
from blocks.init import Init, draw_seed
from blocks.masks import Causal, Mask, Prefix
from blocks.norm import LayerNorm, Norm
from blocks.placement import Placement, Pre
from blocks.position import Position, Rotary
from blocks.stack import FinalNorm, Flow, LayerPlan, Stack, StackPlan
from blocks.tap import Tap
from blocks.topology.base import DecodeState, Output, Topology, marks_of
from blocks.topology.layers import Layers, LayerType, plan_layers
from registry import Build, Need, build, part
from registry.types import PositiveInt, Probability


@part(
    "topology",
    "decoder",
    paper="Radford et al. 2019 (GPT-2); prefix: Raffel et al. 2019, arXiv 1910.10683, section 3.2.1",
)
class Decoder(Topology):
    """One causal stack over tokens: language models, and prefix language models.

    dim: width of the model. layers: a number, a list of names from layer_types, or {count, pattern} which repeats such
    a list. prefix: tokens marked as prefix are visible to all (prefix LM). final_norm: norm after the last layer, as
    the placement has it unless given; every_layer puts it after each layer too, and so twice after the last one.
    vocab: size of the vocabulary, from the data unless given. init: the placement's own initialisation where it has
    one, else xavier, unless given. dropout: on the output of every sublayer. final_dropout: after the last norm.
    """

    provides = frozenset(
        {"decoder", "next token", "one stream", "causal", "prefix", "window", "padding", "segments", "decode"}
    )
    needs = (
        Need("attention", "causal", "a token must not see later ones"),
        Need("attention", "prefix", "the prefix is visible to all tokens", when={"prefix": True}),
    )

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
        prefix: bool = False,
        final_norm: FinalNorm | None = None,
        final_dropout: Probability = 0.0,
        layer_types: dict[str, LayerType] | None = None,
    ) -> None:
        super().__init__()
        seed = draw_seed()
        self.vocab = vocab
        self.mask: Mask = Causal() | Prefix() if prefix else Causal()
        usual = LayerPlan(heads, attention, position, norm, placement, feedforward, dropout=dropout)
        plans = plan_layers(layers, layer_types or {}, usual)
        self.embedding = build(embedding, dim=dim, vocab=self.vocab)
        causal = not prefix
        self.stack = Stack(StackPlan(dim, "decoder", plans, 0, len(plans), causal, final_norm, final_dropout))
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
        prefix: Tensor | None = None,
        globals: Tensor | None = None,
        types: Tensor | None = None,
        state: DecodeState | None = None,
    ) -> Tensor:
        """Logits by the head, [b n v] for `lm`; arguments as in `run`."""
        return self.run(
            tokens, valid=valid, segment=segment, prefix=prefix, globals=globals, types=types, state=state
        ).logits

    def run(
        self,
        tokens: Tensor,
        *,
        valid: Tensor | None = None,
        segment: Tensor | None = None,
        prefix: Tensor | None = None,
        globals: Tensor | None = None,
        types: Tensor | None = None,
        state: DecodeState | None = None,
        tap: Tap | None = None,
    ) -> Output:
        """tokens: int [b n], or what the embedding reads.

        valid, prefix, globals: bool [b n]; segment, types: int [b n]. state: of earlier tokens. tap: to look inside.
        """
        marks = marks_of(state, valid=valid, segment=segment, prefix=prefix, globals=globals, types=types)
        stream = self.embedding(tokens, marks, self.stack.embed)
        caches = None if state is None else state.caches
        hidden = self.stack(stream.x, Flow(stream.at, self.mask, tap=tap), caches)
        if state is not None:
            state.advance(stream.at)
        return self.read_out(hidden, stream.at)

    def new_state(self) -> DecodeState:
        """A state in which nothing has been decoded. Raises NotImplementedError for kinds without a cache."""
        return DecodeState(self.stack.new_caches())
