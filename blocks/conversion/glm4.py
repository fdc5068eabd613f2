"""Checkpoints of GLM-4-0414."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.glm import SETTINGS, TINY, block, settings_of
from blocks.conversion.names import OURS, THEIRS, decoder, joined_gate, norms, projections
from blocks.conversion.plan import Line
from blocks.conversion.words import ACTIVATIONS
from registry import part

SANDWICH = {
    "input_layernorm": "in_norms.0",
    "post_self_attn_layernorm": "branch_norms.0",
    "post_attention_layernorm": "in_norms.1",
    "post_mlp_layernorm": "branch_norms.1",
}


@part("conversion", "glm4", paper="GLM Team 2025 (GLM-4-0414); transformers' Glm4ForCausalLM")
class GLM4(Conversion):
    """GLM-4-0414 and GLM-Z1: GLM-4 with norms after the sublayers too."""

    model_type = "glm4"
    architectures = ("Glm4ForCausalLM",)
    settings = SETTINGS
    harmless = ("max_position_embeddings",)
    prefix = "model."
    tiny = TINY

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        return block(c, self.choose(ACTIVATIONS, c, "hidden_act"), "sandwich")

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        return settings_of(model)

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        return decoder(
            [
                *norms(THEIRS, OURS, SANDWICH),
                *projections(f"{THEIRS}.self_attn", f"{OURS}.attention"),
                *joined_gate(f"{THEIRS}.mlp", f"{OURS}.feedforward"),
            ]
        )
