"""Checkpoints of BERT against transformers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from blocks.topology import Encoder
from registry import load_pretrained

from .encoder import EncoderFamily, Try, each, encoder_cases, encoder_test, same_bias
from .family import theirs

NEXT = "BertForNextSentencePrediction"
BIAS, DECODER = "cls.predictions.bias", "cls.predictions.decoder"

test_bert = encoder_test(
    "bert",
    [
        *each("bert", without=[NEXT]),
        Try("BertForMaskedLM", {"hidden_act": "gelu_new", "layer_norm_eps": 1e-5}),
        Try("BertForSequenceClassification", {"classifier_dropout": 0.3, "type_vocab_size": 3}),
    ],
)
test_untied = encoder_test(
    "bert", [Try("BertForPreTraining", {"tie_word_embeddings": False}, (BIAS,))], prepare=same_bias(BIAS, DECODER)
)


@pytest.mark.parity
def test_next_sentences_are_classes(tmp_path: Path) -> None:
    family = EncoderFamily("bert", architecture=NEXT, make_cases=lambda reference: list(encoder_cases(reference)))
    with theirs():
        family.reference.save_pretrained(tmp_path)
    model = load_pretrained(tmp_path)
    assert isinstance(model, Encoder)
    family._compare_outputs(model)
    family._compare_counts(model)


@pytest.mark.parity
def test_the_oldest_files(tmp_path: Path) -> None:
    """Norms with a gamma and a beta, a buffer of positions, and more learned than the architecture reads."""
    family = EncoderFamily("bert", architecture="BertForPreTraining")
    with theirs():
        family.reference.save_pretrained(tmp_path)
    new = load_file(tmp_path / "model.safetensors")
    old = {name.replace("LayerNorm.weight", "LayerNorm.gamma"): tensor for name, tensor in new.items()}
    old = {name.replace("LayerNorm.bias", "LayerNorm.beta"): tensor for name, tensor in old.items()}
    save_file({**old, "bert.embeddings.position_ids": torch.arange(24)}, tmp_path / "model.safetensors")
    config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    (tmp_path / "config.json").write_text(json.dumps({**config, "architectures": ["BertForMaskedLM"]}))
    model, tokens = load_pretrained(tmp_path), torch.tensor([[3, 5, 4]])
    with theirs(), torch.no_grad():
        want = family.reference(input_ids=tokens).prediction_logits
    torch.testing.assert_close(model(tokens), want, rtol=0, atol=1e-9)
