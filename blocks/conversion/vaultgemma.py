"""Checkpoints of VaultGemma."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from blocks.conversion.gemma2 import Gemma2
from registry import part


@part("conversion", "vaultgemma", paper="Sinha et al. 2025, arXiv 2510.15001; transformers' VaultGemmaForCausalLM")
class VaultGemma(Gemma2):
    """VaultGemma: Gemma 2 with norms before the sublayers alone, trained under differential privacy."""

    model_type = "vaultgemma"
    architectures = ("VaultGemmaForCausalLM",)
    fixed = {}
    harmless = ("max_position_embeddings",)
    placement = "pre"
    norms = {"input_layernorm": "in_norms.0", "pre_feedforward_layernorm": "in_norms.1"}

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        # its activation has one name
        return {key: value for key, value in super().config(model).items() if key != "hidden_act"}
