"""Weights of performer-pytorch's language models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.plan import Line
from blocks.conversion.rule import Ignored, Own, Rule, Tied, listed, weights
from registry import part
from registry.checkpoint_errors import CheckpointError


@part(
    "conversion", "performer", paper="Choromanski et al. 2020, arXiv 2009.14794; performer-pytorch 1.1.4, PerformerLM"
)
class PerformerLM(Conversion):
    """PerformerLM of performer-pytorch, whose settings are its constructor's arguments.

    A causal one looks ahead a little, as there: `stabiliser: look_ahead`. Padded keys do not count; the reference
    leaves out their values alone.
    """

    model_type = "performer"
    architectures = ("PerformerLM",)
    settings = {
        "num_tokens": 256,
        "max_seq_len": 1024,
        "dim": 512,
        "depth": 6,
        "heads": 8,
        "dim_head": 64,
        "causal": False,
        "ff_mult": 4,
        "nb_features": None,
        "feature_redraw_interval": 1000,
        "emb_dropout": 0.0,
        "ff_dropout": 0.0,
        "generalized_attention": False,
        "no_projection": False,
        "tie_embed": False,
        "rotary_position_emb": True,
        "qkv_bias": False,
        "attn_out_bias": False,
    }
    fixed = {
        "activation": "gelu (exact)",
        "attn_dropout": 0.0,
        "axial_position_emb": False,
        "cross_attend": False,
        "ff_glu": False,
        "layer_norm_eps": 1e-5,
        "local_attn_heads": 0,
        "reversible": False,
        "shift_tokens": False,
        "use_rezero": False,
        "use_scalenorm": False,
    }
    harmless = ("auto_check_redraw", "axial_position_shape", "ff_chunks", "local_window_size")
    tiny = {
        "num_tokens": 19,
        "max_seq_len": 24,
        "dim": 12,
        "depth": 2,
        "heads": 3,
        "dim_head": 6,
        "causal": True,
        "rotary_position_emb": False,
    }

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        kernel = "none" if c["no_projection"] else "relu" if c["generalized_attention"] else "softmax"
        biases = {"query": c["qkv_bias"], "key": c["qkv_bias"], "value": c["qkv_bias"], "out": c["attn_out_bias"]}
        named = [name for name, biased in biases.items() if biased]
        learned = {"kind": "learned", "length": c["max_seq_len"]}
        looks_ahead = c["causal"] and kernel == "softmax"
        return {
            "topology": "decoder" if c["causal"] else "encoder",
            "dim": c["dim"],
            "layers": c["depth"],
            "heads": c["heads"],
            "vocab": c["num_tokens"],
            "attention": {
                "kind": "performer",
                "head_dim": c["dim_head"],
                "features": None if kernel == "none" else c["nb_features"],
                "kernel": kernel,
                "stabiliser": "look_ahead" if looks_ahead else "running",
                "redraw": c["feature_redraw_interval"] or 0,
                "bias": bool(named) if len(named) in (0, len(biases)) else named,
            },
            "position": SINUSOIDS_AND_ROTARY if c["rotary_position_emb"] else learned,
            "norm": {"kind": "layer", "eps": 1e-5},
            "placement": "pre",
            "feedforward": {
                "kind": "mlp",
                "hidden": c["ff_mult"] * c["dim"],
                "activation": "gelu",
                "dropout": c["ff_dropout"],
            },
            "embedding": {"kind": "tokens", "dropout": c["emb_dropout"]},
            "head": {"kind": "lm", "tied": c["tie_embed"], "bias": not c["tie_embed"]},
            "init": "torch",
        }

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        attention, feedforward, position = model["attention"], model["feedforward"], model["position"]
        hidden = feedforward["hidden"] or 4 * model["dim"]
        if hidden % model["dim"]:
            raise CheckpointError(f"PerformerLM's inner width is a multiple of {model['dim']}, not {hidden}")
        bias = attention["bias"]
        biased = {"query", "key", "value", "out"} if bias is True else set(bias or ())
        return {
            "num_tokens": model["vocab"],
            # rotary positions have no limit of their own: the reference's default
            "max_seq_len": position["length"] if position["kind"] == "learned" else 1024,
            "dim": model["dim"],
            "depth": model["layers"],
            "heads": model["heads"],
            "dim_head": attention["head_dim"] or model["dim"] // model["heads"],
            "causal": model["topology"] == "decoder",
            "ff_mult": hidden // model["dim"],
            "nb_features": attention["features"],
            "feature_redraw_interval": attention["redraw"] or None,
            "emb_dropout": model["embedding"]["dropout"],
            "ff_dropout": feedforward["dropout"],
            "generalized_attention": attention["kernel"] == "relu",
            "no_projection": attention["kernel"] == "none",
            "tie_embed": model["head"]["tied"],
            "rotary_position_emb": position["kind"] != "learned",
            "qkv_bias": "query" in biased,
            "attn_out_bias": "out" in biased,
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        lines: list[Line] = [
            Rule("token_emb.weight", "embedding.table.weight"),
            Rule("pos_emb.emb.weight", "stack.positions.0.table.weight"),
            *weights("norm", "stack.norm"),
            Rule("to_out.weight", "head.matrix.weight"),
            Rule("to_out.bias", "head.bias"),
            Own("stack.layers.{n}.attention.calls"),
            Ignored("pos_emb.emb"),
            Ignored("layer_pos_emb.emb"),
            Ignored("performer.proj_updater.calls_since_last_redraw"),
        ]
        for theirs, ours in LAYER.items():
            for rule in weights(f"performer.net.layers.{{n}}.{theirs}", f"stack.layers.{{n}}.{ours}"):
                lines += [rule, *map(_again, listed(rule.theirs))]
        directions, ours = "performer.net.layers.{n}.0.fn.fast_attention.projection_matrix", "attention.directions"
        if model["attention"]["kernel"] == "none":
            # theirs are there all the same, without use
            return [*lines, Ignored(directions), Ignored(_again(directions).name), Own(f"stack.layers.{{n}}.{ours}")]
        return [*lines, Rule(directions, f"stack.layers.{{n}}.{ours}"), _again(directions)]


LAYER = {
    "0.norm": "placement.in_norms.0",
    "0.fn.to_q": "attention.query",
    "0.fn.to_k": "attention.key",
    "0.fn.to_v": "attention.value",
    "0.fn.to_out": "attention.out",
    "1.norm": "placement.in_norms.1",
    "1.fn.fn.w1": "feedforward.inner",
    "1.fn.fn.w2": "feedforward.outer",
}
"""Modules of a layer, theirs and ours."""

SINUSOIDS_AND_ROTARY = {
    "kind": "several",
    "schemes": [{"kind": "sinusoidal", "layout": "halves"}, {"kind": "rotary", "layout": "interleaved"}],
}


def _again(name: str) -> Tied:
    """What renews the random directions holds all layers once more."""
    return Tied(name.replace("performer.net.", "performer.proj_updater.instance."), name, written=True)
