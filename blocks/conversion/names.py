"""Rules for groups of tensors that many families name alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from blocks.conversion.plan import Line
from blocks.conversion.rule import Ignored, Rule, Tied, weights

SIDES = ("query", "key", "value")
THEIRS, OURS = "model.layers.{n}", "stack.layers.{n}"
"""A layer of most decoders since Llama, and of ours."""


def decoder(layer: Iterable[Rule]) -> list[Line]:
    """The tensors of a decoder whose files are named as Llama's are. layer: the rules of one layer."""
    return [
        Rule("model.embed_tokens.weight", "embedding.table.weight"),
        *layer,
        *weights("model.norm", "stack.norm"),
        Rule("lm_head.weight", "head.matrix.weight"),
        Tied("lm_head.weight", "model.embed_tokens.weight"),
        Ignored(f"{THEIRS}.self_attn.rotary_emb.inv_freq"),
        Ignored("model.rotary_emb.inv_freq"),
    ]


def projections(theirs: str, ours: str, out: str = "o_proj") -> Iterator[Rule]:
    """Query, key, value and output matrices of an attention, each by itself."""
    for name, side in (("q_proj", "query"), ("k_proj", "key"), ("v_proj", "value"), (out, "out")):
        yield from weights(f"{theirs}.{name}", f"{ours}.{side}")


def joined(theirs: str, ours: str, layout: str = "(h d + g d + g d) i -> (h d) i, (g d) i, (g d) i") -> Iterator[Rule]:
    """Query, key and value in one matrix."""
    yield from weights(theirs, [f"{ours}.{side}" for side in SIDES], layout)


def gated(theirs: str, ours: str) -> Iterator[Rule]:
    """The three matrices of a gated feed-forward sublayer."""
    for name, part in (("gate_proj", "gate"), ("up_proj", "inner"), ("down_proj", "outer")):
        yield from weights(f"{theirs}.{name}", f"{ours}.{part}")


def joined_gate(theirs: str, ours: str) -> Iterator[Rule]:
    """The three matrices of a gated feed-forward sublayer, gate and inner one in one."""
    both = [f"{ours}.gate", f"{ours}.inner"]
    yield from weights(f"{theirs}.gate_up_proj", both, "(f + f) i -> f i, f i")
    yield from weights(f"{theirs}.down_proj", f"{ours}.outer")


def pair(theirs: str, ours: str, inner: str, outer: str) -> Iterator[Rule]:
    """The two matrices of a feed-forward sublayer without a gate."""
    yield from weights(f"{theirs}.{inner}", f"{ours}.inner")
    yield from weights(f"{theirs}.{outer}", f"{ours}.outer")


def norms(theirs: str, ours: str, places: Mapping[str, str]) -> Iterator[Rule]:
    """Norms of a layer. places: their name -> where ours stands in the placement."""
    for name, place in places.items():
        yield from weights(f"{theirs}.{name}", f"{ours}.placement.{place}")


PRE = {"input_layernorm": "in_norms.0", "post_attention_layernorm": "in_norms.1"}
"""Norms before both sublayers, as Llama names them."""
