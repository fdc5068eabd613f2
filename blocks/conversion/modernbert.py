"""Checkpoints of ModernBERT."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.encoders import architecture, ending
from blocks.conversion.keys import Keys, flat, layers_of, merged, nested
from blocks.conversion.names import OURS, joined
from blocks.conversion.plan import Line
from blocks.conversion.rope import rotary
from blocks.conversion.rule import Rule, Tied, weights
from blocks.conversion.windows import FULL, SLIDING, types_of, window_of
from blocks.conversion.words import ACTIVATION_NAMES, ACTIVATIONS
from registry import part

KEYS: Keys = {
    "vocab_size": "vocab",
    "hidden_size": "dim",
    "num_attention_heads": "heads",
    "intermediate_size": "feedforward.hidden",
    "attention_bias": "attention.bias",
    "attention_dropout": "attention.dropout",
    "embedding_dropout": "embedding.dropout",
    "mlp_bias": "feedforward.bias",
    "mlp_dropout": "feedforward.dropout",
    "norm_eps": "norm.eps",
    "norm_bias": "norm.bias",
}


@part("conversion", "modernbert", paper="Warner et al. 2024, arXiv 2412.13663; transformers' ModernBert*")
class ModernBert(Conversion):
    """ModernBERT: pre-norm encoder, two layers in three with a window and faster rotary positions, gated gelu.

    The first layer's attention has no norm, since the embedding's stands before it.
    Heads by `architectures`: masked language model, the body alone.
    """

    model_type = "modernbert"
    architectures = ("ModernBertForMaskedLM", "ModernBertModel")
    settings = {
        "vocab_size": 50368,
        "hidden_size": 768,
        "intermediate_size": 1152,
        "num_hidden_layers": 22,
        "num_attention_heads": 12,
        "hidden_activation": "gelu",
        "norm_eps": 1e-5,
        "norm_bias": False,
        "attention_bias": False,
        "attention_dropout": 0.0,
        "layer_types": None,
        "global_attn_every_n_layers": 3,
        "local_attention": 128,
        "global_rope_theta": 160000.0,
        "local_rope_theta": 10000.0,
        "rope_parameters": None,
        "embedding_dropout": 0.0,
        "mlp_bias": False,
        "mlp_dropout": 0.0,
        "classifier_activation": "gelu",
        "classifier_bias": False,
        "decoder_bias": True,
        "tie_word_embeddings": True,
    }
    fixed = {"position_embedding_type": ("absolute", "sans_pos"), "sparse_prediction": False}
    # heads that may not be there, where weights began, and how kernels were called
    harmless = (
        "classifier_dropout",
        "classifier_pooling",
        "deterministic_flash_attn",
        "initializer_cutoff_factor",
        "layer_norm_eps",
        "max_position_embeddings",
        "reference_compile",
        "repad_logits_with_grad",
        "sparse_pred_ignore_index",
    )
    prefix = "model."
    tiny = {
        "vocab_size": 19,
        "hidden_size": 24,
        "intermediate_size": 20,
        "num_hidden_layers": 4,
        "num_attention_heads": 3,
        "local_attention": 6,
        "pad_token_id": 0,
    }

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        every = c["global_attn_every_n_layers"]
        types = c["layer_types"] or [SLIDING if n % every else FULL for n in range(c["num_hidden_layers"])]
        norm = {"kind": "layer", "eps": c["norm_eps"], "bias": c["norm_bias"]}
        block = merged(
            {"topology": "encoder", "attention": {"kind": "full"}, "norm": norm, "placement": "pre"},
            {"position": _rotary(c, FULL), "embedding": {"kind": "tokens", "norm": norm}},
            nested(KEYS, c),
            {"feedforward": {"kind": "glu", "activation": self.choose(ACTIVATIONS, c, "hidden_activation")}},
        )
        local = {
            "attention": {**block["attention"], "window": c["local_attention"]},
            "position": _rotary(c, SLIDING),
        }
        first = {"placement": {"kind": "pre", "bare": [0]}, **(local if types[0] == SLIDING else {})}
        names = ["first", *("sliding" if one == SLIDING else "full" for one in types[1:])]
        head = {
            "kind": "mlm",
            "activation": self.choose(ACTIVATIONS, c, "classifier_activation"),
            "norm": norm,
            "dense_bias": c["classifier_bias"],
            "bias": c["decoder_bias"],
            "tied": c["tie_word_embeddings"],
        }
        return {
            **block,
            "layers": names,
            "layer_types": {
                name: {"first": first, "full": {}, "sliding": local}[name] for name in dict.fromkeys(names)
            },
            "head": head if ending(self, c) == "ForMaskedLM" else {"kind": "hidden"},
        }

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        head, types = model["head"], types_of(model)
        local = next((layer for layer, one in zip(layers_of(model), types, strict=True) if one == SLIDING), model)
        whole = next((layer for layer, one in zip(layers_of(model), types, strict=True) if one == FULL), model)
        said = {"classifier_bias": head["dense_bias"], "decoder_bias": head["bias"]} if head["kind"] == "mlm" else {}
        return {
            **flat(KEYS, model),
            **said,
            "architectures": architecture(self, {"nsp": False, **head}),
            "classifier_activation": ACTIVATION_NAMES[head.get("activation", "gelu")],
            "hidden_activation": ACTIVATION_NAMES[model["feedforward"]["activation"]],
            "num_hidden_layers": len(types),
            "layer_types": types,
            "local_attention": window_of(model) or self.settings["local_attention"],
            "global_rope_theta": whole["position"]["base"],
            "local_rope_theta": local["position"]["base"],
            "tie_word_embeddings": head.get("tied", True),
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        theirs = "model.layers.{n}"
        return [
            Rule("model.embeddings.tok_embeddings.weight", "embedding.table.weight"),
            *weights("model.embeddings.norm", "embedding.norm"),
            *weights(f"{theirs}.attn_norm", f"{OURS}.placement.in_norms.0"),
            *joined(f"{theirs}.attn.Wqkv", f"{OURS}.attention"),
            *weights(f"{theirs}.attn.Wo", f"{OURS}.attention.out"),
            *weights(f"{theirs}.mlp_norm", f"{OURS}.placement.in_norms.1"),
            *weights(
                f"{theirs}.mlp.Wi", [f"{OURS}.feedforward.gate", f"{OURS}.feedforward.inner"], "(f + f) i -> f i, f i"
            ),
            *weights(f"{theirs}.mlp.Wo", f"{OURS}.feedforward.outer"),
            *weights("model.final_norm", "stack.norm"),
            *weights("head.dense", "head.dense"),
            *weights("head.norm", "head.norm"),
            Rule("decoder.weight", "head.matrix.weight"),
            Rule("decoder.bias", "head.bias"),
            Tied("decoder.weight", "model.embeddings.tok_embeddings.weight"),
        ]


def _rotary(config: Mapping[str, Any], which: str) -> dict[str, Any]:
    """The positions of the layers with or without a window."""
    base = config["global_rope_theta" if which == FULL else "local_rope_theta"]
    return rotary({"rope_theta": base, "rope_parameters": (config["rope_parameters"] or {}).get(which)})
