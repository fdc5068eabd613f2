"""torch.nn's Transformers as whole models, their state dicts read by the conversion."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from blocks.conversion.torch_transformer import TorchTransformer
from registry.assembly import resolve_block
from registry.catalog import Catalog
from registry.pretrained import empty_model, filled
from registry.state import owned

from .oracle import Oracle

ORACLE = Oracle.load("torch_layers")
CASES = {case: about.get("options", {}) for case, about in ORACLE.meta["cases"].items()}
SIZES = {"d_model": 32, "nhead": 4, "num_encoder_layers": 2, "num_decoder_layers": 2, "dim_feedforward": 64}


def model(settings: dict[str, Any], weights: dict[str, Tensor], dtype: torch.dtype) -> nn.Module:
    """Ours with a state dict of torch's; what is written of it is that state dict again."""
    catalog, table = Catalog.load(), TorchTransformer()
    empty = empty_model(resolve_block(table.spec(settings), catalog), catalog, dtype)
    plan = table.plan(empty.spec, {name: t.shape for name, t in owned(empty).items()})
    built = filled(empty, plan.read(weights), dtype)
    again = dict(plan.write(owned(built)))
    assert again.keys() == weights.keys()
    assert all(torch.equal(again[name], weights[name].to(dtype)) for name in weights)
    return built


def said(case: str, name: str) -> Tensor | None:
    return ORACLE.input(case, name).bool() if name in ORACLE.meta["cases"][case]["inputs"] else None


@torch.no_grad()
@pytest.mark.parametrize("case", [case for case in CASES if case.startswith("transformer")])
def test_transformer(case: str, dtype: torch.dtype) -> None:
    weights = {n.removeprefix(f"{case}."): w for n, w in ORACLE.weights.items() if n.startswith(f"{case}.")}
    src, tgt = ORACLE.inputs(case, "src", "tgt")
    marks = {"source_valid": said(case, "attention_mask"), "valid": said(case, "decoder_attention_mask")}
    ORACLE.check(case, "out", model({**SIZES, **CASES[case]}, weights, dtype)(tgt, source=src, **marks))


@torch.no_grad()
@pytest.mark.parametrize("case", [case for case in CASES if case.startswith("encoder_layer")])
def test_encoder_of_one_layer(case: str, dtype: torch.dtype) -> None:
    weights = {f"layers.0.{n.removeprefix(f'{case}.')}": w for n, w in ORACLE.weights.items() if n.startswith(case)}
    settings = {**SIZES, **CASES[case], "num_encoder_layers": 1, "num_decoder_layers": 0, "final_norm": False}
    built = model(settings, weights, dtype)
    ORACLE.check(case, "out", built(ORACLE.input(case, "src"), valid=said(case, "attention_mask")))


@torch.no_grad()
@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("norm_first", [False, True])
def test_torch_itself(norm_first: bool, bias: bool, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    options = {"norm_first": norm_first, "bias": bias, "dim_feedforward": 40, "activation": "gelu"}
    depths = {"num_encoder_layers": 3, "num_decoder_layers": 2}
    theirs = nn.Transformer(24, 3, **depths, **options, batch_first=True).eval()  # type: ignore[arg-type]
    for parameter in theirs.parameters():
        parameter.add_(0.1 * torch.randn_like(parameter))
    ours = model({"d_model": 24, "nhead": 3, **depths, **options}, theirs.state_dict(), dtype)
    src, tgt = torch.randn(2, 7, 24), torch.randn(2, 5, 24)
    later = nn.Transformer.generate_square_subsequent_mask(5)
    want = theirs(src, tgt, tgt_mask=later, tgt_is_causal=True)
    atol = (1e-9 if dtype == torch.float64 else 1e-4) * float(want.abs().max())
    torch.testing.assert_close(ours(tgt, source=src), want, rtol=0, atol=atol)
