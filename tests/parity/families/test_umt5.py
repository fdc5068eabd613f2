"""Checkpoints of UMT5 against transformers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from blocks.conversion.umt5 import UMT5
from registry import load_pretrained, save_pretrained

from .family import Family, family_test, theirs

test_umt5 = family_test(
    "umt5", {}, {"feed_forward_proj": "relu", "num_decoder_layers": None}, {"num_decoder_layers": 3}
)


@pytest.mark.parity
def test_the_published_files_have_a_matrix_of_their_own_and_no_factor(tmp_path: Path) -> None:
    family = Family("umt5")
    with theirs():
        family.reference.save_pretrained(tmp_path / "tied")
    tied = load_pretrained(tmp_path / "tied")
    (tmp_path / "own").mkdir()
    config = (tmp_path / "tied" / "config.json").read_text(encoding="utf-8")
    assert '"tie_word_embeddings": true' in config
    said = config.replace('"tie_word_embeddings": true', '"tie_word_embeddings": false')
    (tmp_path / "own" / "config.json").write_text(said, encoding="utf-8")
    tensors = load_file(tmp_path / "tied" / "model.safetensors")
    # the factor of the tied head, on the matrix instead
    matrix = tensors["shared.weight"] * UMT5.tiny["d_model"] ** -0.5
    save_file({**tensors, "lm_head.weight": matrix}, tmp_path / "own" / "model.safetensors")
    model, case = load_pretrained(tmp_path / "own"), family.cases[0]
    torch.testing.assert_close(model(**case.ours), tied(**case.ours), rtol=0, atol=1e-9)
    save_pretrained(model, tmp_path / "again", as_="umt5")
    assert "lm_head.weight" in load_file(tmp_path / "again" / "model.safetensors")
