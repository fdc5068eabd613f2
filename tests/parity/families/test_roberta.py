"""Checkpoints of RoBERTa and XLM-RoBERTa against transformers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from registry import load_pretrained

from .encoder import EncoderFamily, Try, each, encoder_test, same_bias
from .family import theirs

test_roberta = encoder_test(
    "roberta", [*each("roberta"), Try("RobertaForMaskedLM", {"hidden_act": "relu", "type_vocab_size": 2})]
)
test_untied = encoder_test(
    "roberta",
    [Try("RobertaForMaskedLM", {"tie_word_embeddings": False}, ("lm_head.bias",))],
    prepare=same_bias("lm_head.bias", "lm_head.decoder"),
)


@pytest.mark.parity
def test_descendants_that_differ_in_name_alone(tmp_path: Path) -> None:
    family = EncoderFamily("roberta")
    with theirs():
        family.reference.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    renamed = {**config, "model_type": "xlm-roberta", "architectures": ["XLMRobertaForMaskedLM"]}
    (tmp_path / "config.json").write_text(json.dumps(renamed), encoding="utf-8")
    assert load_pretrained(tmp_path).spec == load_pretrained(tmp_path, as_="roberta").spec
