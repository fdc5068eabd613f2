"""Parts of one's own in one file: an attention kind with weights, an embedding, a head, and a table for checkpoints."""

from __future__ import annotations

from pathlib import Path

import pytest

from blocks.contract import run_contract
from registry.index import import_file

PARTS = '''
import torch
from einops import rearrange
from torch import Tensor

from blocks.attention import Attention
from blocks.attention.view import View
from blocks.conversion import Conversion, Rule, Tied, weights
from blocks.coords import Coords
from blocks.embedding import Embedded, Embedding, Marks, Place, required
from blocks.head import Head
from blocks.linear import Linear, Table
from registry import part
from registry.types import PositiveInt


@part("attention", "own_mean")
class OwnMean(Attention):
    """The mean of the visible values."""

    provides = frozenset({"bidirectional", "causal", "padding", "segments", "prefix", "window"})

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads, self.head_dim = heads, dim // heads
        self.value = Linear(dim, dim, role="value")
        self.out = Linear(dim, dim, role="attention_out")

    def mix(self, x: Tensor, view: View) -> Tensor:
        v = rearrange(self.value(x), "b k (h d) -> b h k d", h=self.heads)
        return self.out(rearrange(self.weigh(x, view) @ v, "b h q d -> b q (h d)"))

    def weigh(self, x: Tensor, view: View) -> Tensor:
        seen = view.mask.allow(view.at.queries(), view.at.keys()).to(x.dtype)
        seen = seen / seen.sum(-1, keepdim=True).clamp(min=1.0)
        return rearrange(seen, "b q k -> b 1 q k").expand(len(x), self.heads, -1, -1)


@part("embedding", "own_pair")
class OwnPair(Embedding):
    """Two vectors for each token, added."""

    provides = frozenset({"tokens"})

    def __init__(self, dim: int, vocab: int | None, *, rows: PositiveInt = 7) -> None:
        super().__init__()
        self.table = Table(required(vocab), dim, role="embedding")
        self.other = Table(rows, dim, role="embedding")

    def forward(self, inputs: Tensor, marks: Marks, place: Place) -> Embedded:
        at = marks.coordinates(inputs.shape[1], device=inputs.device)
        x = self.table(inputs) + self.other(inputs % self.other.num_embeddings)
        return Embedded(place(x, at), at)

    def example(self, batch: int, length: int) -> Tensor:
        return torch.arange(batch * length).reshape(batch, length) % self.table.num_embeddings


@part("head", "own_narrow")
class OwnNarrow(Head):
    """Logits of the vocabulary by two matrices."""

    provides = frozenset({"tokens"})

    def __init__(self, dim: int, vocab: int | None, *, inner: PositiveInt = 8) -> None:
        super().__init__()
        self.narrow = Linear(dim, inner, role="head")
        self.matrix = Linear(inner, required(vocab), role="head")

    def forward(self, hidden: Tensor, at: Coords, embedding: Embedding) -> Tensor:
        return self.matrix(self.narrow(hidden))


@part("conversion", "own_files")
class OwnFiles(Conversion):
    """Files of models with the attention above."""

    model_type = "own_files"
    architectures = ("OwnModel",)
    settings = {"vocab": 100, "width": 32, "layers": 2, "heads": 4, "inner": None}
    tiny = {"vocab": 19, "width": 12, "layers": 3, "heads": 2, "inner": 20}

    def spec(self, config):
        c = self.read(config)
        return {
            "topology": "decoder",
            "dim": c["width"],
            "layers": c["layers"],
            "heads": c["heads"],
            "vocab": c["vocab"],
            "attention": "own_mean",
            "position": "none",
            "feedforward": {"kind": "mlp", "hidden": c["inner"]},
        }

    def config(self, model):
        return {
            "vocab": model["vocab"],
            "width": model["dim"],
            "layers": model["layers"],
            "heads": model["heads"],
            "inner": model["feedforward"]["hidden"],
        }

    def tensors(self, model):
        theirs, ours = "h.{n}", "stack.layers.{n}"
        return [
            Rule("tokens.weight", "embedding.table.weight"),
            Tied("logits.weight", "tokens.weight"),
            *weights(f"{theirs}.norm_1", f"{ours}.placement.in_norms.0"),
            *weights(f"{theirs}.norm_2", f"{ours}.placement.in_norms.1"),
            *weights(f"{theirs}.value", f"{ours}.attention.value"),
            *weights(f"{theirs}.out", f"{ours}.attention.out"),
            *weights(f"{theirs}.up", f"{ours}.feedforward.inner"),
            *weights(f"{theirs}.down", f"{ours}.feedforward.outer"),
            *weights("norm", "stack.norm"),
        ]
'''


@pytest.fixture
def _own(tmp_path: Path) -> None:
    file = tmp_path / "own_parts.py"
    file.write_text(PARTS)
    import_file(file)


@pytest.mark.usefixtures("_own")
@pytest.mark.parametrize(
    ("family", "kind", "promise"),
    [
        ("attention", "own_mean", "weights"),
        ("embedding", "own_pair", "says what it reads"),
        ("head", "own_narrow", "says what its logits are of"),
        ("conversion", "own_files", "each parameter has one rule"),
    ],
)
def test_parts_of_one_file_keep_what_they_promise(family: str, kind: str, promise: str) -> None:
    findings = run_contract(family, kind)
    assert any(promise in finding.check for finding in findings)
    assert [f"{finding.check}: {finding.problem}" for finding in findings if not finding.ok] == []
