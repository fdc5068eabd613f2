"""Checkpoints of Cohere's Command models since R7B."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.keys import DECODER, Keys, flat, layers_of, merged, nested
from blocks.conversion.names import OURS, THEIRS, decoder, gated, norms, projections
from blocks.conversion.plan import Line
from blocks.conversion.rope import ROPE, rope_settings, rotary
from blocks.conversion.windows import FULL, SLIDING, types_of, window_of, windowed
from blocks.conversion.words import ACTIVATION_NAMES, ACTIVATIONS
from registry import part

KEYS: Keys = {
    **DECODER,
    "attention_bias": "attention.bias",
    "logit_scale": "head.scale",
    "layer_norm_eps": "norm.eps",
}
NOWHERE = {"kind": "none"}


@part("conversion", "cohere2", paper="Cohere 2025 (Command A), arXiv 2504.00698; transformers' Cohere2ForCausalLM")
class Cohere2(Conversion):
    """Command R7B, A: as Command R, with a window and rotary positions in three layers of four, and neither in one."""

    model_type = "cohere2"
    architectures = ("Cohere2ForCausalLM",)
    settings = {
        **ROPE,
        "vocab_size": 256000,
        "hidden_size": 8192,
        "intermediate_size": 22528,
        "num_hidden_layers": 40,
        "num_attention_heads": 64,
        "num_key_value_heads": None,
        "hidden_act": "silu",
        "logit_scale": 0.0625,
        "sliding_window": 4096,
        "sliding_window_pattern": 4,
        "_sliding_window_pattern": None,
        "layer_types": None,
        "attention_bias": False,
        "layer_norm_eps": 1e-5,
        "attention_dropout": 0.0,
        "tie_word_embeddings": True,
    }
    fixed = {"order_of_interleaved_layers": "local_attn_first", "position_embedding_type": "rope_gptj"}
    fixed |= {"rotary_pct": 1.0, "use_embedding_sharing": True, "use_gated_activation": True, "use_qk_norm": False}
    fixed |= {"use_parallel_block": True, "use_parallel_embedding": False}
    harmless = ("max_position_embeddings", "head_dim", "cache_implementation")
    prefix = "model."
    tiny = {
        "vocab_size": 19,
        "hidden_size": 24,
        "intermediate_size": 20,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "sliding_window": 5,
        "sliding_window_pattern": 2,
        "logit_scale": 0.3,
        "rope_theta": 500.0,
    }

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        every = c["_sliding_window_pattern"] or c["sliding_window_pattern"]
        types = c["layer_types"] or [SLIDING if (n + 1) % every else FULL for n in range(c["num_hidden_layers"])]
        turned = rotary(c, layout="interleaved")
        block = merged(
            {"topology": "decoder", "attention": {"kind": "full"}, "norm": {"kind": "layer", "bias": False}},
            {"placement": "parallel", "head": {"kind": "lm"}},
            nested(KEYS, c),
            {"feedforward": {"kind": "glu", "activation": self.choose(ACTIVATIONS, c, "hidden_act")}},
        )
        layered = windowed(types, block["attention"], c["sliding_window"])
        if "layer_types" not in layered:
            return {**block, **layered, "position": NOWHERE}
        layered["layer_types"]["full"]["position"] = NOWHERE
        return {**block, **layered, "position": turned}

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        turned = next((p for layer in layers_of(model) if (p := layer["position"])["kind"] == "rotary"), None)
        return {
            **({} if turned is None else rope_settings(turned)),
            **flat(KEYS, model),
            "hidden_act": ACTIVATION_NAMES[model["feedforward"]["activation"]],
            "num_hidden_layers": len(types_of(model)),
            "layer_types": types_of(model),
            "sliding_window": window_of(model) or self.settings["sliding_window"],
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        return decoder(
            [
                *norms(THEIRS, OURS, {"input_layernorm": "norms.0"}),
                *projections(f"{THEIRS}.self_attn", f"{OURS}.attention"),
                *gated(f"{THEIRS}.mlp", f"{OURS}.feedforward"),
            ]
        )
