"""Checkpoints of Phi."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.keys import DECODER, Keys, flat, merged, nested
from blocks.conversion.names import OURS, THEIRS, norms, pair, projections
from blocks.conversion.plan import Line
from blocks.conversion.rope import ROPE, rope_settings, rotary
from blocks.conversion.rule import Ignored, Rule, Tied, weights
from blocks.conversion.words import ACTIVATION_NAMES, ACTIVATIONS
from registry import part

KEYS: Keys = {
    **DECODER,
    "num_hidden_layers": "layers",
    "resid_pdrop": "dropout",
    "embd_pdrop": "embedding.dropout",
    "layer_norm_eps": "norm.eps",
}


@part("conversion", "phi", paper="Li et al. 2023 (Phi-1.5), arXiv 2309.05463; transformers' PhiForCausalLM")
class Phi(Conversion):
    """Phi-1, 1.5 and 2: parallel sublayers behind one layer norm, partial rotary positions, biases up to the logits."""

    model_type = "phi"
    architectures = ("PhiForCausalLM",)
    settings = {
        **ROPE,
        "vocab_size": 51200,
        "hidden_size": 2048,
        "intermediate_size": 8192,
        "num_hidden_layers": 24,
        "num_attention_heads": 32,
        "num_key_value_heads": None,
        "hidden_act": "gelu_new",
        "partial_rotary_factor": 0.5,
        "qk_layernorm": False,
        "layer_norm_eps": 1e-5,
        "resid_pdrop": 0.0,
        "embd_pdrop": 0.0,
        "attention_dropout": 0.0,
        "tie_word_embeddings": False,
    }
    harmless = ("max_position_embeddings",)
    prefix = "model."
    tiny = {
        "vocab_size": 19,
        "hidden_size": 24,
        "intermediate_size": 20,
        "num_hidden_layers": 2,
        "num_attention_heads": 3,
        "num_key_value_heads": 3,
        "rope_theta": 500.0,
    }

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        norm = {"kind": "layer", "eps": c["layer_norm_eps"]}
        return merged(
            {"topology": "decoder", "norm": norm, "position": rotary(c), "placement": "parallel"},
            {"attention": {"kind": "full", "qk_norm": norm if c["qk_layernorm"] else None}},
            {"embedding": {"kind": "tokens"}, "head": {"kind": "lm", "bias": True}},
            nested(KEYS, c),
            {"feedforward": {"kind": "mlp", "activation": self.choose(ACTIVATIONS, c, "hidden_act")}},
        )

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        return {
            **rope_settings(model["position"]),
            **flat(KEYS, model),
            "partial_rotary_factor": model["position"]["fraction"],
            "hidden_act": ACTIVATION_NAMES[model["feedforward"]["activation"]],
            "qk_layernorm": model["attention"]["qk_norm"] is not None,
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        return [
            Rule("model.embed_tokens.weight", "embedding.table.weight"),
            *norms(THEIRS, OURS, {"input_layernorm": "norms.0"}),
            *projections(f"{THEIRS}.self_attn", f"{OURS}.attention", out="dense"),
            *weights(f"{THEIRS}.self_attn.q_layernorm", f"{OURS}.attention.q_norm"),
            *weights(f"{THEIRS}.self_attn.k_layernorm", f"{OURS}.attention.k_norm"),
            *pair(f"{THEIRS}.mlp", f"{OURS}.feedforward", "fc1", "fc2"),
            *weights("model.final_layernorm", "stack.norm"),
            Rule("lm_head.weight", "head.matrix.weight"),
            Rule("lm_head.bias", "head.bias"),
            Tied("lm_head.weight", "model.embed_tokens.weight"),
            Ignored(f"{THEIRS}.self_attn.rotary_emb.inv_freq"),
        ]
