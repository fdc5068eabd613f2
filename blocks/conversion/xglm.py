"""Checkpoints of XGLM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.keys import Keys, flat, merged, nested
from blocks.conversion.names import OURS, THEIRS, norms, pair, projections
from blocks.conversion.plan import Line
from blocks.conversion.rule import Ignored, Rule, Tied, weights
from blocks.conversion.words import ACTIVATION_NAMES, ACTIVATIONS
from registry import part

KEYS: Keys = {
    "vocab_size": "vocab",
    "d_model": "dim",
    "num_layers": "layers",
    "attention_heads": "heads",
    "ffn_dim": "feedforward.hidden",
    "activation_dropout": "feedforward.dropout",
    "attention_dropout": "attention.dropout",
    "dropout": "dropout",
    "scale_embedding": "embedding.scale",
    "tie_word_embeddings": "head.tied",
}
BEFORE = {"self_attn_layer_norm": "in_norms.0", "final_layer_norm": "in_norms.1"}


@part("conversion", "xglm", paper="Lin et al. 2021, arXiv 2112.10668; transformers' XGLMForCausalLM")
class XGLM(Conversion):
    """XGLM: norms before the sublayers, sinusoids of tensor2tensor that start at 2.

    The reference drops whole layers while training (layerdrop); that is not implemented and has no effect otherwise.
    """

    model_type = "xglm"
    architectures = ("XGLMForCausalLM",)
    settings = {
        "vocab_size": 256008,
        "d_model": 1024,
        "ffn_dim": 4096,
        "num_layers": 24,
        "attention_heads": 16,
        "activation_function": "gelu",
        "dropout": 0.1,
        "attention_dropout": 0.1,
        "activation_dropout": 0.0,
        "scale_embedding": True,
        "tie_word_embeddings": True,
    }
    # the sinusoids reach as far as they are asked to
    harmless = ("layerdrop", "init_std", "max_position_embeddings")
    prefix = "model."
    tiny = {
        "vocab_size": 19,
        "d_model": 12,
        "ffn_dim": 20,
        "num_layers": 2,
        "attention_heads": 3,
        "max_position_embeddings": 24,
    }

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        return merged(
            {"topology": "decoder", "attention": {"kind": "full"}, "norm": {"kind": "layer", "eps": 1e-5}},
            {"position": {"kind": "sinusoidal", "layout": "tensor2tensor", "offset": 2}, "placement": "pre"},
            {"embedding": {"kind": "tokens", "dropout": c["dropout"]}, "head": {"kind": "lm"}},
            nested(KEYS, c),
            {"feedforward": {"kind": "mlp", "activation": self.choose(ACTIVATIONS, c, "activation_function")}},
        )

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        return {**flat(KEYS, model), "activation_function": ACTIVATION_NAMES[model["feedforward"]["activation"]]}

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        return [
            Rule("model.embed_tokens.weight", "embedding.table.weight"),
            *norms(THEIRS, OURS, BEFORE),
            *projections(f"{THEIRS}.self_attn", f"{OURS}.attention", "out_proj"),
            *pair(THEIRS, f"{OURS}.feedforward", "fc1", "fc2"),
            *weights("model.layer_norm", "stack.norm"),
            Rule("lm_head.weight", "head.matrix.weight"),
            Tied("lm_head.weight", "model.embed_tokens.weight"),
            Ignored("model.embed_positions.weights"),
        ]
