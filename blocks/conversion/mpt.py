"""Checkpoints of MPT."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.bookkeeping import BOOKKEEPING, OFF
from blocks.conversion.keys import Keys, flat, merged, nested
from blocks.conversion.names import joined, pair
from blocks.conversion.plan import Line
from blocks.conversion.rule import Rule, Tied, weights
from registry import part
from registry.checkpoint_errors import CheckpointError

KEYS: Keys = {
    "vocab_size": "vocab",
    "d_model": "dim",
    "n_layers": "layers",
    "n_heads": "heads",
    "layer_norm_epsilon": "norm.eps",
    "resid_pdrop": "dropout",
    "emb_pdrop": "embedding.dropout",
    "tie_word_embeddings": "head.tied",
}
ATTENTION: Keys = {"attn_pdrop": "dropout", "clip_qkv": "clip", "softmax_scale": "scale"}
ATTENTION_SETTINGS = {"attn_pdrop": 0.0, "clip_qkv": None, "softmax_scale": None, "alibi_bias_max": 8}
ATTENTION_FIXED = {
    "alibi": True,
    "attn_type": "multihead_attention",
    "attn_uses_sequence_id": False,
    "prefix_lm": False,
    "qk_ln": False,
}


@part("conversion", "mpt", paper="MosaicML 2023 (MPT-7B); transformers' MptForCausalLM")
class MPT(Conversion):
    """MPT: linear biases, no biases anywhere else, query, key and value in one matrix.

    transformers' code ignores alibi_bias_max, MosaicML's does not; all published files have 8, where both agree.
    """

    model_type = "mpt"
    architectures = ("MptForCausalLM",)
    settings = {
        "vocab_size": 50368,
        "d_model": 2048,
        "n_layers": 24,
        "n_heads": 16,
        "attn_config": None,
        "layer_norm_epsilon": 1e-5,
        "resid_pdrop": 0.0,
        "emb_pdrop": 0.0,
        "tie_word_embeddings": True,
    }
    fixed = {
        "no_bias": True,
        "logit_scale": None,
        "norm_type": ("low_precision_layernorm", "layernorm"),
        "expansion_ratio": 4,
    }
    # learned positions are not added where there are linear biases
    harmless = ("embedding_fraction", "init_config", "init_device", "learned_pos_emb", "max_seq_len", "verbose")
    prefix = "transformer."
    tiny = {"vocab_size": 19, "d_model": 12, "n_layers": 2, "n_heads": 3, "max_seq_len": 24}

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        given = dict(c["attn_config"] or {})
        wrong = [f"attn_config.{k}: {v!r}" for k, v in given.items() if not _known(k, v)]
        if wrong:
            raise CheckpointError("\n  ".join([f"{self.name}: config.json cannot be read", *wrong]))
        a = {**ATTENTION_SETTINGS, **given}
        return merged(
            {"topology": "decoder", "attention": {"kind": "full", "bias": False}, "placement": "pre"},
            {"position": {"kind": "alibi", "steepest": float(a["alibi_bias_max"])}},
            {"norm": {"kind": "layer", "bias": False}, "embedding": {"kind": "tokens"}, "head": {"kind": "lm"}},
            nested(KEYS, c),
            {"attention": {name: a[theirs] for theirs, name in ATTENTION.items()}},
            {"feedforward": {"kind": "mlp", "activation": "gelu", "bias": False, "hidden": 4 * c["d_model"]}},
        )

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        said = {theirs: model["attention"][name] for theirs, name in ATTENTION.items()}
        attention = {**said, "alibi_bias_max": model["position"]["steepest"]}
        # transformers takes no 0.0 where it wants a 0
        whole = {k: int(attention[k]) for k in ("attn_pdrop", "alibi_bias_max") if attention[k] % 1 == 0}
        return {**flat(KEYS, model), "attn_config": {**attention, **whole}}

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        theirs, ours = "transformer.blocks.{n}", "stack.layers.{n}"
        return [
            Rule("transformer.wte.weight", "embedding.table.weight"),
            *weights(f"{theirs}.norm_1", f"{ours}.placement.in_norms.0"),
            *joined(f"{theirs}.attn.Wqkv", f"{ours}.attention"),
            *weights(f"{theirs}.attn.out_proj", f"{ours}.attention.out"),
            *weights(f"{theirs}.norm_2", f"{ours}.placement.in_norms.1"),
            *pair(f"{theirs}.ffn", f"{ours}.feedforward", "up_proj", "down_proj"),
            *weights("transformer.norm_f", "stack.norm"),
            Rule("lm_head.weight", "head.matrix.weight"),
            Tied("lm_head.weight", "transformer.wte.weight"),
        ]


def _known(key: str, value: Any) -> bool:
    """Whether a setting of the attention is one that the table implements."""
    if key in ATTENTION_FIXED:
        return bool(value == ATTENTION_FIXED[key])
    return key in ATTENTION_SETTINGS or any(fnmatch.fnmatchcase(key, p) for p in (*BOOKKEEPING, *OFF, "attn_impl"))
