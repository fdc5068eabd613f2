"""Checkpoints of CodeGen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.gptj import BLOCK, KEYS, SETTINGS, rotary, rotary_dim
from blocks.conversion.keys import flat, merged, nested
from blocks.conversion.names import pair
from blocks.conversion.plan import Line
from blocks.conversion.rule import Ignored, Rule, Tied, weights
from blocks.conversion.words import ACTIVATION_NAMES, ACTIVATIONS
from registry import part

PIECES = 4
"""The matrix of queries, values and keys stands as it did on so many processors."""


@part("conversion", "codegen", paper="Nijkamp et al. 2022, arXiv 2203.13474; transformers' CodeGenForCausalLM")
class CodeGen(Conversion):
    """CodeGen 1 and 2: GPT-J with queries, values and keys, in that order, in one matrix of four pieces."""

    model_type = "codegen"
    architectures = ("CodeGenForCausalLM",)
    settings = SETTINGS
    fixed = {"scale_attn_weights": True}
    harmless = ("n_positions", "n_ctx", "summary_*")
    prefix = "transformer."
    tiny = {"vocab_size": 19, "n_embd": 48, "n_layer": 2, "n_head": 8, "rotary_dim": 4, "n_inner": 20}

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        activation = self.choose(ACTIVATIONS, c, "activation_function")
        return merged(BLOCK, nested(KEYS, c), {"position": rotary(c), "feedforward": {"activation": activation}})

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        activation = ACTIVATION_NAMES[model["feedforward"]["activation"]]
        return {**flat(KEYS, model), "activation_function": activation, "rotary_dim": rotary_dim(model)}

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        theirs, ours = "transformer.h.{n}", "stack.layers.{n}"
        heads = model["heads"] // PIECES
        return [
            Rule("transformer.wte.weight", "embedding.table.weight"),
            *weights(f"{theirs}.ln_1", f"{ours}.placement.norms.0"),
            Rule(
                f"{theirs}.attn.qkv_proj.weight",
                [f"{ours}.attention.{side}.weight" for side in ("query", "value", "key")],
                "(p (l d + l d + l d)) i -> (p l d) i, (p l d) i, (p l d) i",
                {"p": PIECES, "l": heads},
            ),
            *weights(f"{theirs}.attn.out_proj", f"{ours}.attention.out"),
            *pair(f"{theirs}.mlp", f"{ours}.feedforward", "fc_in", "fc_out"),
            *weights("transformer.ln_f", "stack.norm"),
            Rule("lm_head.weight", "head.matrix.weight"),
            Rule("lm_head.bias", "head.bias"),
            Tied("lm_head.weight", "transformer.wte.weight"),
            Ignored(f"{theirs}.attn.causal_mask"),
        ]
