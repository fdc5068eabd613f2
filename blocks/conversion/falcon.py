"""Checkpoints of Falcon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.keys import Keys, flat, merged, nested
from blocks.conversion.names import joined, pair
from blocks.conversion.plan import Line
from blocks.conversion.rope import ROPE, rope_settings, rotary
from blocks.conversion.rule import Ignored, Rule, Tied, weights
from blocks.conversion.words import ACTIVATION_NAMES, ACTIVATIONS
from registry import part

KEYS: Keys = {
    "vocab_size": "vocab",
    "hidden_size": "dim",
    "num_hidden_layers": "layers",
    "num_attention_heads": "heads",
    "ffn_hidden_size": "feedforward.hidden",
    "layer_norm_epsilon": "norm.eps",
    "hidden_dropout": "dropout",
    "attention_dropout": "attention.dropout",
    "tie_word_embeddings": "head.tied",
}
ALIBI = {"kind": "alibi", "scaled": True, "rounded": True}


@part("conversion", "falcon", paper="Almazrouei et al. 2023, arXiv 2311.16867; transformers' FalconForCausalLM")
class Falcon(Conversion):
    """Falcon: RW-1B (linear biases), 7B (one key-value head, one norm for both sublayers), 40B, 180B (two norms), 11B.

    Linear biases are divided by sqrt(head_dim) as the scores are, and rounded to bfloat16, as in the models' own code.
    """

    model_type = "falcon"
    architectures = ("FalconForCausalLM",)
    reads = ("RefinedWeb", "RefinedWebModel")
    settings = {
        **ROPE,
        "vocab_size": 65024,
        "hidden_size": 4544,
        "num_hidden_layers": 32,
        "num_attention_heads": 71,
        "num_kv_heads": None,
        "num_ln_in_parallel_attn": None,
        "ffn_hidden_size": None,
        "activation": "gelu",
        "alibi": False,
        "new_decoder_architecture": False,
        "multi_query": True,
        "parallel_attn": True,
        "bias": False,
        "layer_norm_epsilon": 1e-5,
        "hidden_dropout": 0.0,
        "attention_dropout": 0.0,
        "tie_word_embeddings": True,
    }
    fixed = {"apply_residual_connection_post_layernorm": False}
    harmless = ("max_position_embeddings", "n_embed")
    prefix = "transformer."
    tiny = {
        "vocab_size": 19,
        "hidden_size": 24,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_kv_heads": 2,
        "ffn_hidden_size": 20,
        "new_decoder_architecture": True,
        "rope_theta": 500.0,
    }

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        new = c["new_decoder_architecture"]
        norms = c["num_ln_in_parallel_attn"] or (2 if new else 1)
        beside = {"kind": "parallel", "norms": "separate" if new and norms == 2 else "shared"}
        if new or not c["multi_query"]:
            kv_heads = c["num_kv_heads"] or c["num_attention_heads"]
        else:
            kv_heads = 1
        activation = self.choose(ACTIVATIONS, c, "activation")
        return merged(
            {"topology": "decoder", "norm": {"kind": "layer"}, "head": {"kind": "lm"}},
            nested(KEYS, c),
            {
                "attention": {"kind": "full", "kv_heads": kv_heads, "bias": c["bias"]},
                "position": ALIBI if c["alibi"] else rotary(c),
                "placement": beside if new or c["parallel_attn"] else {"kind": "pre"},
                "feedforward": {"kind": "mlp", "activation": activation, "bias": c["bias"]},
            },
        )

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        kv_heads = model["attention"]["kv_heads"] or model["heads"]
        parallel, separate = self._shape(model)
        new = separate or (parallel and kv_heads not in (1, model["heads"]))
        alibi = model["position"]["kind"] == "alibi"
        return {
            **flat(KEYS, model),
            **({} if alibi else rope_settings(model["position"])),
            "num_kv_heads": kv_heads,
            "num_ln_in_parallel_attn": (2 if separate else 1) if new else None,
            "activation": ACTIVATION_NAMES[model["feedforward"]["activation"]],
            "alibi": alibi,
            "new_decoder_architecture": new,
            "multi_query": kv_heads == 1 and not new,
            "parallel_attn": parallel,
            "bias": model["attention"]["bias"],
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        theirs, ours = "transformer.h.{n}", "stack.layers.{n}"
        settings = self.config(model)
        parallel, separate = self._shape(model)
        if settings["new_decoder_architecture"]:
            layout = "(g (r d + d + d)) i -> (g r d) i, (g d) i, (g d) i"
        elif settings["multi_query"]:
            layout = "(h d + g d + g d) i -> (h d) i, (g d) i, (g d) i"
        else:
            layout = "(h (d + d + d)) i -> (h d) i, (h d) i, (h d) i"
        first, second = ("ln_attn", "ln_mlp") if separate else ("input_layernorm", "post_attention_layernorm")
        norms = f"{ours}.placement.{'norms' if parallel else 'in_norms'}"
        return [
            Rule("transformer.word_embeddings.weight", "embedding.table.weight"),
            *weights(f"{theirs}.{first}", f"{norms}.0"),
            *weights(f"{theirs}.{second}", f"{norms}.1"),
            *joined(f"{theirs}.self_attention.query_key_value", f"{ours}.attention", layout),
            *weights(f"{theirs}.self_attention.dense", f"{ours}.attention.out"),
            *pair(f"{theirs}.mlp", f"{ours}.feedforward", "dense_h_to_4h", "dense_4h_to_h"),
            *weights("transformer.ln_f", "stack.norm"),
            Rule("lm_head.weight", "head.matrix.weight"),
            Tied("lm_head.weight", "transformer.word_embeddings.weight"),
            Ignored(f"{theirs}.self_attention.rotary_emb.inv_freq"),
        ]

    def _shape(self, model: Mapping[str, Any]) -> tuple[bool, bool]:
        """Whether the sublayers stand side by side, and whether each has a norm of its own there."""
        parallel = model["placement"]["kind"] == "parallel"
        return parallel, parallel and model["placement"]["norms"] == "separate"
