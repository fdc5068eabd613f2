"""Specs of published sizes are models of their family: its table writes a config.json for them and reads it back."""

from __future__ import annotations

import pytest
import torch

from registry.catalog import Catalog
from registry.faithful import config_of
from registry.load import load
from registry.pretrained import find_conversion

from .system import PUBLISHED

FAMILIES = {
    "bloom": ["bloom-560m"],
    "codegen": ["codegen-350m"],
    "cohere": ["command-r"],
    "cohere2": ["command-r7b"],
    "electra": ["electra-base"],
    "falcon": ["falcon-7b", "falcon-40b", "falcon-rw-1b"],
    "gemma": ["gemma-2b"],
    "gemma2": ["gemma-2-2b"],
    "gemma3_text": ["gemma-3-1b"],
    "glm": ["glm-4-9b"],
    "glm4": ["glm-4-9b-0414"],
    "gpt_bigcode": ["santacoder"],
    "gpt_neo": ["gpt-neo-125m"],
    "gpt_neox": ["pythia-70m", "gpt-neox-20b"],
    "gptj": ["gpt-j-6b"],
    "granite": ["granite-3.0-2b"],
    "llama": ["llama-2-7b", "llama-3.2-1b"],
    "mistral": ["mistral-7b"],
    "modernbert": ["modernbert-base"],
    "mpt": ["mpt-7b"],
    "nemotron": ["minitron-4b"],
    "olmo": ["olmo-1b"],
    "olmo2": ["olmo-2-1b"],
    "opt": ["opt-125m", "opt-350m"],
    "phi": ["phi-2"],
    "phi3": ["phi-3-mini"],
    "qwen2": ["qwen2-0.5b"],
    "qwen3": ["qwen3-0.6b"],
    "smollm3": ["smollm3-3b"],
    "stablelm": ["stablelm-2-1.6b"],
    "starcoder2": ["starcoder2-3b"],
}


@pytest.mark.parametrize("dtype", [torch.float32], indirect=True)
@pytest.mark.parametrize(("family", "name"), [(f, name) for f, names in FAMILIES.items() for name in names])
def test_a_published_size_is_a_model_of_its_family(family: str, name: str) -> None:
    catalog, block = Catalog.load(), load(PUBLISHED / f"{name}.yaml").full["model"]
    config = config_of(find_conversion(catalog, family), block, catalog)
    assert config["vocab_size"] == block["vocab"]
    assert config["architectures"] == [find_conversion(catalog, family).architectures[-1 if family == "electra" else 0]]
