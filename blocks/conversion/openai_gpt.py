"""Checkpoints of the first GPT."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.keys import Keys, flat, merged, nested
from blocks.conversion.names import OURS, joined, norms
from blocks.conversion.plan import Line
from blocks.conversion.rule import Ignored, Rule, Tied, weights
from registry import part

KEYS: Keys = {
    "vocab_size": "vocab",
    "n_embd": "dim",
    "n_layer": "layers",
    "n_head": "heads",
    "n_positions": "position.length",
    "attn_pdrop": "attention.dropout",
    "embd_pdrop": "embedding.dropout",
    "resid_pdrop": "dropout",
    "layer_norm_epsilon": "norm.eps",
    "tie_word_embeddings": "head.tied",
}
ACTIVATIONS = {"gelu": "gelu_tanh", "relu": "relu", "silu": "silu", "swish": "silu"}
"""Its own names: gelu means the tanh form."""
NAMES = {"gelu_tanh": "gelu", "relu": "relu", "silu": "silu"}


@part("conversion", "openai_gpt", paper="Radford et al. 2018 (GPT); transformers' OpenAIGPTLMHeadModel")
class OpenAIGPT(Conversion):
    """GPT: GPT-2 with norms after the additions and none at the end."""

    model_type = "openai-gpt"
    architectures = ("OpenAIGPTLMHeadModel",)
    settings = {
        "vocab_size": 40478,
        "n_positions": 512,
        "n_embd": 768,
        "n_layer": 12,
        "n_head": 12,
        "afn": "gelu",
        "resid_pdrop": 0.1,
        "embd_pdrop": 0.1,
        "attn_pdrop": 0.1,
        "layer_norm_epsilon": 1e-5,
        "tie_word_embeddings": True,
    }
    # n_ctx repeats n_positions; n_special and predict_special_tokens came with the first files
    harmless = ("n_ctx", "n_special", "predict_special_tokens", "summary_*")
    prefix = "transformer."
    tiny = {"vocab_size": 19, "n_positions": 24, "n_embd": 12, "n_layer": 2, "n_head": 3}

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        return merged(
            {"topology": "decoder", "attention": {"kind": "full"}, "norm": {"kind": "layer"}, "placement": "post"},
            {"position": {"kind": "learned"}, "embedding": {"kind": "tokens"}, "head": {"kind": "lm"}, "init": "gpt2"},
            nested(KEYS, c),
            {
                "feedforward": {
                    "kind": "mlp",
                    "hidden": 4 * c["n_embd"],
                    "activation": self.choose(ACTIVATIONS, c, "afn"),
                }
            },
        )

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        return {**flat(KEYS, model), "afn": NAMES[model["feedforward"]["activation"]]}

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        theirs = "transformer.h.{n}"
        return [
            Rule("transformer.tokens_embed.weight", "embedding.table.weight"),
            Rule("transformer.positions_embed.weight", "stack.positions.0.table.weight"),
            *norms(theirs, OURS, {"ln_1": "out_norms.0", "ln_2": "out_norms.1"}),
            *joined(f"{theirs}.attn.c_attn", f"{OURS}.attention", "i (h d + h d + h d) -> (h d) i, (h d) i, (h d) i"),
            *weights(f"{theirs}.attn.c_proj", f"{OURS}.attention.out", "i o -> o i"),
            *weights(f"{theirs}.mlp.c_fc", f"{OURS}.feedforward.inner", "i o -> o i"),
            *weights(f"{theirs}.mlp.c_proj", f"{OURS}.feedforward.outer", "i o -> o i"),
            Rule("lm_head.weight", "head.matrix.weight"),
            Tied("lm_head.weight", "transformer.tokens_embed.weight"),
            Ignored("transformer.position_ids"),
            Ignored(f"{theirs}.attn.bias"),
        ]
