"""Transformer-XL's settings and names, there and back, for what the parity tests do not have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from blocks.conversion.transfo_xl import TransfoXL
from registry.assembly import assemble_block, resolve_block
from registry.catalog import Catalog
from registry.checkpoint_errors import CheckpointError
from registry.pretrained import load_pretrained, save_pretrained

TABLE = TransfoXL()
SETTINGS: dict[str, dict[str, Any]] = {
    "adaptive": {},
    "one pair of u and v": {"untie_r": False},
    "one width": {"div_val": 1, "d_embed": 12},
    "one width, mapped": {"div_val": 1},
    "plain": {"cutoffs": [], "div_val": 1, "d_embed": 12},
    "plain, mapped": {"cutoffs": [], "div_val": 1},
    "own maps": {"proj_share_all_but_first": False},
    "shared maps": {"tie_projs": [True, True, True]},
    "own tables": {"tie_word_embeddings": False},
    "plain, own table": {"cutoffs": [], "div_val": 1, "d_embed": 12, "tie_word_embeddings": False},
    "norm first": {"pre_lnorm": True},
    "no clamp": {"clamp_len": -1, "same_length": False},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_there_and_back(name: str, tmp_path: Path) -> None:
    """A model of these settings, written under their names and read again, computes the same."""
    catalog, config = Catalog.load(), {**TABLE.tiny, **SETTINGS[name]}
    block = resolve_block(TABLE.spec(config), catalog)
    model: Any = assemble_block(block, catalog).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    save_pretrained(model, tmp_path, as_="transfo_xl")
    again: Any = load_pretrained(tmp_path)
    tokens = torch.randint(23, (2, 9))
    assert torch.equal(model(tokens), again(tokens))


def test_their_names_and_shapes(tmp_path: Path) -> None:
    """Maps of the embedding and of the head stand the same way round."""
    catalog = Catalog.load()
    save_pretrained(assemble_block(resolve_block(TABLE.spec(TABLE.tiny), catalog), catalog), tmp_path, as_="transfo_xl")
    shapes = {name: list(tensor.shape) for name, tensor in load_file(tmp_path / "model.safetensors").items()}
    assert shapes["transformer.word_emb.emb_layers.2.weight"] == [12, 4]
    assert shapes["transformer.word_emb.emb_projs.2"] == [12, 4]
    assert shapes["crit.out_projs.0"] == [12, 16]
    assert shapes["crit.cluster_weight"] == [2, 16]
    assert shapes["transformer.layers.1.dec_attn.qkv_net.weight"] == [45, 12]
    assert shapes["transformer.layers.1.dec_attn.r_w_bias"] == [3, 5]
    # what is tied is written once
    assert not {"crit.out_projs.1", "crit.out_layers.0.weight"} & set(shapes)


def test_defaults_are_the_released_model() -> None:
    """18 layers, as in the TensorFlow code: one pair of u and v a layer, zeros at the start."""
    block = resolve_block(TABLE.spec({"model_type": "transfo-xl"}), Catalog.load())
    with torch.device("meta"):
        model = assemble_block(block, Catalog.load())
    assert sum(p.numel() for p in model.parameters()) == 285_205_322
    assert block["attention"]["start"] == "zeros"


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"attn_type": 2}, "attn_type: 2 is not implemented"),
        ({"tie_projs": [True, False, True]}, "tie_projs: .* only all, none, or all but the first"),
        ({"learned": 1}, "learned: 1 is not known"),
    ],
)
def test_refused(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(CheckpointError, match=problem):
        TABLE.spec({**TABLE.tiny, **settings})


def test_an_empty_start_has_no_word(tmp_path: Path) -> None:
    catalog = Catalog.load()
    block = TABLE.spec(TABLE.tiny)
    block["attention"]["start"] = "empty"
    model = assemble_block(resolve_block(block, catalog), catalog)
    with pytest.raises(CheckpointError, match=r"model.attention.start is 'empty', but would be read as 'zeros'"):
        save_pretrained(model, tmp_path, as_="transfo_xl")
