"""Checkpoints of Llama."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.plan import Line
from blocks.conversion.rope import ROPE, rope_settings, rotary
from blocks.conversion.rule import Ignored, Rule, Tied, weights
from blocks.conversion.words import ACTIVATION_NAMES, ACTIVATIONS
from registry import part


@part("conversion", "llama", paper="Touvron et al. 2023, arXiv 2302.13971; transformers' LlamaForCausalLM")
class Llama(Conversion):
    """Llama 1 to 3.3 and the many models of the same shape: rotary positions, RMS norms, SwiGLU, grouped queries."""

    model_type = "llama"
    architectures = ("LlamaForCausalLM",)
    settings = {
        **ROPE,
        "vocab_size": 32000,
        "hidden_size": 4096,
        "intermediate_size": 11008,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": None,
        "head_dim": None,
        "hidden_act": "silu",
        "rms_norm_eps": 1e-6,
        "attention_bias": False,
        "attention_dropout": 0.0,
        "mlp_bias": False,
        "tie_word_embeddings": False,
    }
    # pretraining_tp only says in how many pieces a matrix was multiplied
    harmless = ("max_position_embeddings", "max_sequence_length", "pretraining_tp")
    prefix = "model."
    tiny = {
        "vocab_size": 19,
        "hidden_size": 16,
        "intermediate_size": 20,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 6,
        "rms_norm_eps": 1e-5,
        "rope_theta": 5000.0,
    }

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        return {
            "topology": "decoder",
            "dim": c["hidden_size"],
            "layers": c["num_hidden_layers"],
            "heads": c["num_attention_heads"],
            "vocab": c["vocab_size"],
            "attention": {
                "kind": "full",
                "kv_heads": c["num_key_value_heads"],
                "head_dim": c["head_dim"],
                "bias": c["attention_bias"],
                "dropout": c["attention_dropout"],
            },
            "position": rotary(c),
            "norm": {"kind": "rms", "eps": c["rms_norm_eps"]},
            "placement": "pre",
            "feedforward": {
                "kind": "glu",
                "hidden": c["intermediate_size"],
                "activation": self.choose(ACTIVATIONS, c, "hidden_act"),
                "bias": c["mlp_bias"],
            },
            "head": {"kind": "lm", "tied": c["tie_word_embeddings"]},
        }

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        attention, feedforward = model["attention"], model["feedforward"]
        return {
            **rope_settings(model["position"]),
            "vocab_size": model["vocab"],
            "hidden_size": model["dim"],
            "intermediate_size": feedforward["hidden"],
            "num_hidden_layers": model["layers"],
            "num_attention_heads": model["heads"],
            "num_key_value_heads": attention["kv_heads"],
            "head_dim": attention["head_dim"],
            "hidden_act": ACTIVATION_NAMES[feedforward["activation"]],
            "rms_norm_eps": model["norm"]["eps"],
            "attention_bias": attention["bias"],
            "attention_dropout": attention["dropout"],
            "mlp_bias": feedforward["bias"],
            "tie_word_embeddings": model["head"]["tied"],
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        theirs, ours = "model.layers.{n}", "stack.layers.{n}"
        return [
            Rule("model.embed_tokens.weight", "embedding.table.weight"),
            *weights(f"{theirs}.input_layernorm", f"{ours}.placement.in_norms.0"),
            *weights(f"{theirs}.self_attn.q_proj", f"{ours}.attention.query"),
            *weights(f"{theirs}.self_attn.k_proj", f"{ours}.attention.key"),
            *weights(f"{theirs}.self_attn.v_proj", f"{ours}.attention.value"),
            *weights(f"{theirs}.self_attn.o_proj", f"{ours}.attention.out"),
            *weights(f"{theirs}.post_attention_layernorm", f"{ours}.placement.in_norms.1"),
            *weights(f"{theirs}.mlp.gate_proj", f"{ours}.feedforward.gate"),
            *weights(f"{theirs}.mlp.up_proj", f"{ours}.feedforward.inner"),
            *weights(f"{theirs}.mlp.down_proj", f"{ours}.feedforward.outer"),
            *weights("model.norm", "stack.norm"),
            Rule("lm_head.weight", "head.matrix.weight"),
            Tied("lm_head.weight", "model.embed_tokens.weight"),
            Ignored(f"{theirs}.self_attn.rotary_emb.inv_freq"),
        ]
