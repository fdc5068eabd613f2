"""Names and layouts of torch.nn's Transformer layers."""

from __future__ import annotations

from collections.abc import Iterator

from blocks.conversion.plan import Line
from blocks.conversion.rule import Rule, weights

SUBLAYERS = {
    "encoder": {"self_attn": "attention"},
    "decoder": {"self_attn": "attention", "multihead_attn": "cross"},
}
"""By the kind of layer: their name of each attention -> ours, in order."""


def layers(kind: str, theirs: str, ours: str, norms: str) -> Iterator[Line]:
    """The rules of `nn.TransformerEncoderLayer` or `nn.TransformerDecoderLayer`.

    kind: encoder or decoder. theirs, ours: what stands before the names. norms: the placement's, in_norms or out_norms.
    """
    for number, (name, our) in enumerate(SUBLAYERS[kind].items()):
        yield from attention(f"{theirs}.{name}", f"{ours}.{our}")
        yield from weights(f"{theirs}.norm{number + 1}", f"{ours}.placement.{norms}.{number}")
    for name, our in (("linear1", "inner"), ("linear2", "outer")):
        yield from weights(f"{theirs}.{name}", f"{ours}.feedforward.{our}")
    last = len(SUBLAYERS[kind])
    yield from weights(f"{theirs}.norm{last + 1}", f"{ours}.placement.{norms}.{last}")


def attention(theirs: str, ours: str) -> Iterator[Line]:
    """The rules of `nn.MultiheadAttention`, which has query, key and value one below the other."""
    for part, i in (("weight", " i"), ("bias", "")):
        split = ", ".join([f"(h d){i}"] * 3)
        names = [f"{ours}.{name}.{part}" for name in ("query", "key", "value")]
        yield Rule(f"{theirs}.in_proj_{part}", names, f"(h d + h d + h d){i} -> {split}")
    yield from weights(f"{theirs}.out_proj", f"{ours}.out")
