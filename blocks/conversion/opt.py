"""Checkpoints of OPT."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.keys import Keys, flat, merged, nested
from blocks.conversion.names import pair, projections
from blocks.conversion.plan import Line
from blocks.conversion.rule import Rule, Tied, weights
from blocks.conversion.words import ACTIVATION_NAMES, ACTIVATIONS
from registry import part

KEYS: Keys = {
    "vocab_size": "vocab",
    "hidden_size": "dim",
    "num_hidden_layers": "layers",
    "num_attention_heads": "heads",
    "ffn_dim": "feedforward.hidden",
    "max_position_embeddings": "position.length",
    "dropout": "dropout",
    "attention_dropout": "attention.dropout",
    "tie_word_embeddings": "head.tied",
}


@part("conversion", "opt", paper="Zhang et al. 2022, arXiv 2205.01068; transformers' OPTForCausalLM")
class OPT(Conversion):
    """OPT and Galactica: learned positions from row 2; norms before the sublayers, in OPT-350m after them.

    OPT-350m also has embeddings narrower than the model. Files that dropped their last norm
    (_remove_final_layer_norm) are read too.
    """

    model_type = "opt"
    architectures = ("OPTForCausalLM",)
    settings = {
        "vocab_size": 50272,
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "ffn_dim": 3072,
        "max_position_embeddings": 2048,
        "do_layer_norm_before": True,
        "_remove_final_layer_norm": False,
        "word_embed_proj_dim": None,
        "activation_function": "relu",
        "enable_bias": True,
        "layer_norm_elementwise_affine": True,
        "dropout": 0.1,
        "attention_dropout": 0.0,
        "tie_word_embeddings": True,
    }
    # activation_dropout was never applied
    harmless = ("activation_dropout", "init_std", "layerdrop", "output_projection", "scale_embeddings")
    prefix = "model."
    tiny = {
        "vocab_size": 19,
        "hidden_size": 12,
        "num_hidden_layers": 2,
        "num_attention_heads": 3,
        "ffn_dim": 20,
        "max_position_embeddings": 24,
        "word_embed_proj_dim": 12,
        "pad_token_id": 1,
    }

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        before, affine, bias = c["do_layer_norm_before"], c["layer_norm_elementwise_affine"], c["enable_bias"]
        width = None if c["word_embed_proj_dim"] in (None, c["hidden_size"]) else c["word_embed_proj_dim"]
        norm = {"kind": "layer", "eps": 1e-5, "weight": "plain" if affine else "none", "bias": affine}
        return merged(
            {"topology": "decoder", "attention": {"kind": "full", "bias": bias}, "norm": norm},
            {"position": {"kind": "learned", "offset": 2}, "placement": "pre" if before else "post"},
            {"embedding": {"kind": "tokens", "width": width}, "head": {"kind": "lm", "width": width}},
            nested(KEYS, c),
            {
                "feedforward": {
                    "kind": "mlp",
                    "activation": self.choose(ACTIVATIONS, c, "activation_function"),
                    "bias": bias,
                },
                "final_norm": before and not c["_remove_final_layer_norm"],
            },
        )

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        before = model["placement"]["kind"] == "pre"
        return {
            **flat(KEYS, model),
            "do_layer_norm_before": before,
            "_remove_final_layer_norm": before and model["final_norm"] is False,
            "word_embed_proj_dim": model["embedding"]["width"] or model["dim"],
            "activation_function": ACTIVATION_NAMES[model["feedforward"]["activation"]],
            "enable_bias": model["attention"]["bias"],
            "layer_norm_elementwise_affine": model["norm"]["weight"] == "plain",
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        theirs, ours = "model.decoder.layers.{n}", "stack.layers.{n}"
        norms = "in_norms" if model["placement"]["kind"] == "pre" else "out_norms"
        return [
            Rule("model.decoder.embed_tokens.weight", "embedding.table.weight"),
            Rule("model.decoder.project_in.weight", "embedding.widen.weight"),
            Rule("model.decoder.embed_positions.weight", "stack.positions.0.table.weight"),
            *weights(f"{theirs}.self_attn_layer_norm", f"{ours}.placement.{norms}.0"),
            *projections(f"{theirs}.self_attn", f"{ours}.attention", out="out_proj"),
            *weights(f"{theirs}.final_layer_norm", f"{ours}.placement.{norms}.1"),
            *pair(theirs, f"{ours}.feedforward", "fc1", "fc2"),
            *weights("model.decoder.final_layer_norm", "stack.norm"),
            Rule("model.decoder.project_out.weight", "head.narrow.weight"),
            Rule("lm_head.weight", "head.matrix.weight"),
            Tied("lm_head.weight", "model.decoder.embed_tokens.weight"),
        ]
