"""Linear attention: the oracle's cases, and whole models against the authors' builder, written down anew."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional

from blocks.attention import LinearAttention
from blocks.conversion import Conversion
from blocks.conversion.linear_transformer import LinearTransformer
from blocks.coords import Coords
from blocks.masks import Causal, Full
from blocks.topology import Topology
from registry import assemble
from registry.assembly import resolve_block
from registry.catalog import Catalog
from registry.load import load
from registry.pretrained import empty_model, filled
from registry.state import owned

from .oracle import Oracle, bare
from .system import PUBLISHED

ORACLE = Oracle.load("components")


@pytest.mark.parametrize(("name", "mask"), [("bidirectional/out", Full()), ("causal/out", Causal())])
def test_the_attention(name: str, mask: Full | Causal) -> None:
    q, k, v = ORACLE.inputs("linear_attention", "q", "k", "v")
    valid = ORACLE.input("linear_attention", "attention_mask").bool()
    x = rearrange(torch.stack([q, k, v]), "q b h n d -> b n (q h d)")
    # heads that matter, and as many that carry queries and keys to them
    attention = bare(LinearAttention(3 * 24, 9, bias=False), 24)
    at = Coords.of(11, valid=valid)
    mixed = rearrange(attention(x, at, mask=mask)[..., :24], "b n (h d) -> b h n d", h=3)
    weighed = attention.weights(x, at, mask=mask)[:, :3] @ v
    want = ORACLE.tensors[f"linear_attention/out64/{name}"]
    atol = 1e-9 * float(want.abs().max()) if q.dtype == torch.float64 else 5e-6
    real = rearrange(valid, "b n -> b 1 n 1")
    for got in (mixed, weighed):
        # padded queries are not part of the contract
        torch.testing.assert_close(got.double() * real, want * real, rtol=0, atol=atol)


class Layer(nn.Module):
    """fast-transformers' TransformerEncoderLayer around AttentionLayer and linear attention, by its text."""

    def __init__(self, width: int, heads: int, inner: int, causal: bool) -> None:
        super().__init__()
        self.attention = nn.ModuleDict(
            {f"{name}_projection": nn.Linear(width, width) for name in ("query", "key", "value", "out")}
        )
        self.linear1, self.linear2 = nn.Linear(width, inner), nn.Linear(inner, width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.heads, self.causal = heads, causal

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        x = self.norm1(x + self.attention["out_projection"](self.attend(x, lengths)))
        return self.norm2(x + self.linear2(functional.relu(self.linear1(x))))

    def attend(self, x: Tensor, lengths: Tensor) -> Tensor:
        q, k, v = (self.attention[f"{name}_projection"](x) for name in ("query", "key", "value"))
        rows = []
        for row, length in enumerate(lengths.tolist()):
            heads = []
            for Q, K, V in zip(*(t[row].chunk(self.heads, 1) for t in (q, k, v)), strict=True):
                phi_q, phi_k = functional.elu(Q) + 1, functional.elu(K) + 1
                phi_k = phi_k * (torch.arange(len(K)) < length).unsqueeze(1)
                out = []
                for i in range(len(Q)):
                    last = i + 1 if self.causal else len(K)
                    # equations 4 and 8 to 11: the sum S of phi(k) v^T, the sum Z of phi(k)
                    S = sum(torch.outer(phi_k[j], V[j]) for j in range(last))
                    Z = sum(phi_k[j] for j in range(last))
                    out.append(phi_q[i] @ S / (phi_q[i] @ Z + 1e-6))
                heads.append(torch.stack(out))
            rows.append(torch.cat(heads, 1))
        return torch.stack(rows)


class Builder(nn.Module):
    """What TransformerEncoderBuilder.from_kwargs(...).get() makes, between vectors and a matrix."""

    def __init__(self, c: dict[str, Any]) -> None:
        super().__init__()
        width = c["value_dimensions"] * c["n_heads"]
        causal = c["attention_type"] == "causal-linear"
        sizes = width, c["n_heads"], c["feed_forward_dimensions"], causal
        self.value_embedding = nn.Embedding(c["vocab_size"], width)
        self.transformer = nn.ModuleDict(
            {"layers": nn.ModuleList(Layer(*sizes) for _ in range(c["n_layers"])), "norm": nn.LayerNorm(width)}
        )
        self.predictor = nn.Linear(width, c["vocab_size"])

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        x = self.value_embedding(ids)
        for pos in range(x.shape[1]):
            for i in range(0, x.shape[2], 2):
                angle = torch.tensor(pos / 10000 ** (i / x.shape[2]))
                x[:, pos, i] += angle.sin()
                x[:, pos, i + 1] += angle.cos()
        for layer in self.transformer["layers"]:  # type: ignore[union-attr]
            x = layer(x, lengths)
        found: Tensor = self.predictor(self.transformer["norm"](x))
        return found


TINY: dict[str, Any] = {
    "vocab_size": 31,
    "n_layers": 2,
    "n_heads": 3,
    "query_dimensions": 8,
    "value_dimensions": 8,
    "feed_forward_dimensions": 40,
}


def converted(conversion: Conversion, settings: dict[str, Any], weights: dict[str, Tensor]) -> Topology:
    catalog = Catalog.load()
    model = empty_model(resolve_block(conversion.spec(settings), catalog), catalog, torch.float64)
    plan = conversion.plan(model.spec, {name: t.shape for name, t in owned(model).items()})
    model = filled(model, plan.read(weights), torch.float64)
    assert isinstance(model, Topology)
    return model


@pytest.mark.parametrize("dtype", [torch.float64], indirect=True)
@pytest.mark.parametrize("kind", ["linear", "causal-linear"])
@torch.no_grad()
def test_whole_models_of_the_authors_builder(kind: str) -> None:
    torch.manual_seed(0)
    settings = {**TINY, "attention_type": kind}
    reference = Builder(settings)
    for parameter in reference.parameters():
        parameter.add_(0.1 * torch.randn_like(parameter))
    ids, lengths = torch.randint(0, 31, (3, 9)), torch.tensor([9, 5, 2])
    valid = torch.arange(9) < lengths.unsqueeze(1)
    want = reference(ids, lengths)[valid]
    got = converted(LinearTransformer(), settings, reference.state_dict())(ids, valid=valid)[valid]
    torch.testing.assert_close(got, want, rtol=0, atol=1e-9 * float(want.abs().max()))


def test_the_settings_of_the_builder_are_the_spec() -> None:
    full = load(PUBLISHED / "tiny" / "linear-transformer.yaml").full["model"]
    assert resolve_block(LinearTransformer().spec({**TINY, "attention_type": "causal-linear"}), Catalog.load()) == full


@pytest.mark.parametrize(
    ("name", "said", "body", "layers"),
    [("linear-transformer-mnist", 6_449_920, 6_318_592, 8), ("linear-transformer-cifar10", 12_768_000, 12_636_672, 16)],
)
@pytest.mark.parametrize("dtype", [torch.float32], indirect=True)
def test_the_published_sizes(name: str, said: int, body: int, layers: int) -> None:
    sizes = {"query_dimensions": 32, "value_dimensions": 32, "feed_forward_dimensions": 1024}
    settings = {"vocab_size": 256, "n_layers": layers, "n_heads": 8, "attention_type": "causal-linear", **sizes}
    path = PUBLISHED / f"{name}.yaml"
    with torch.device("meta"):
        reference, model = Builder(settings), assemble(path)
    assert sum(p.numel() for p in reference.transformer.parameters()) == body
    assert sum(p.numel() for p in reference.parameters()) == said == sum(p.numel() for p in model.parameters())
    assert f"{said:,}" in path.read_text(encoding="utf-8")
    assert f"{body:,}" in path.read_text(encoding="utf-8")
