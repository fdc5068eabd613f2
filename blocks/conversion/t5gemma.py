"""Checkpoints of T5Gemma."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.gemma2 import KEYS, Gemma2, pre_attention_scalar
from blocks.conversion.keys import flat, layers_of, merged, nested, repeated
from blocks.conversion.names import gated, norms, projections
from blocks.conversion.plan import Line
from blocks.conversion.rope import rope_settings, rotary
from blocks.conversion.rule import Rule, Tied, weights
from blocks.conversion.windows import FULL, SLIDING
from blocks.conversion.words import ACTIVATIONS, NEWER_ACTIVATION_NAMES
from registry import part
from registry.checkpoint_errors import CheckpointError

SUBLAYERS = {"encoder": ("self_attn", "feedforward"), "decoder": ("self_attn", "cross_attn", "feedforward")}
SAME = ("hidden_size", "vocab_size", "rms_norm_eps")
"""Settings in which our sides do not differ."""
WHOLE = ("attention_dropout", "tie_word_embeddings")
"""Settings that the whole has for both sides."""


class Side(Conversion):
    """The settings of one side, as those of Gemma 2. What they say of logits is heard of the decoder alone."""

    model_type = "t5_gemma_module"
    settings = {key: value for key, value in Gemma2.settings.items() if key not in WHOLE}
    harmless = ("max_position_embeddings", "dropout_rate", *WHOLE)
    fixed = {"is_decoder": (False, True)}

    def read(self, config: Mapping[str, Any]) -> dict[str, Any]:
        # the width of the other stream is not said twice
        c = super().read({key: value for key, value in config.items() if key != "cross_attention_hidden_size"})
        count = c["num_hidden_layers"]
        return {**c, "layer_types": c["layer_types"] or [FULL if n % 2 else SLIDING for n in range(count)]}


@part(
    "conversion", "t5gemma", paper="Zhang et al. 2025, arXiv 2504.06225; transformers' T5GemmaForConditionalGeneration"
)
class T5Gemma(Conversion):
    """T5Gemma whose encoder is as wide as its decoder: Gemma 2 as an encoder, and as a decoder that reads it.

    In layers with a window the encoder sees window - 1 tokens to either side, as the released code has it;
    transformers 5 sees one more.
    """

    model_type = "t5gemma"
    architectures = ("T5GemmaForConditionalGeneration",)
    settings = {
        "encoder": {},
        "decoder": {},
        "attention_dropout": 0.0,
        "dropout_rate": 0.0,
        "tie_word_embeddings": True,
    }
    fixed = {"is_encoder_decoder": True}
    # of classifiers, and what the decoder's settings say
    harmless = ("classifier_dropout_rate", "vocab_size", "max_position_embeddings")
    prefix = "model."
    tiny = {
        "encoder": {
            "vocab_size": 19,
            "hidden_size": 16,
            "intermediate_size": 20,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 6,
            "query_pre_attn_scalar": 7,
            "sliding_window": 3,
            "attn_logit_softcapping": 1.5,
            "final_logit_softcapping": 2.5,
            "rope_theta": 500.0,
        },
        "decoder": {
            "vocab_size": 19,
            "hidden_size": 16,
            "intermediate_size": 24,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "head_dim": 8,
            "query_pre_attn_scalar": 5,
            "sliding_window": 2,
            "attn_logit_softcapping": 1.7,
            "final_logit_softcapping": 2.5,
            "rope_theta": 300.0,
        },
    }

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        sides = {side: {**Side().read(c[side]), **{key: c[key] for key in WHOLE}} for side in SUBLAYERS}
        if unequal := [key for key in SAME if sides["encoder"][key] != sides["decoder"][key]]:
            raise CheckpointError(f"{self.name}: {', '.join(unequal)} is not the same in the encoder and the decoder")
        encoder, decoder = (self._side(side, settings) for side, settings in sides.items())
        reach = {"encoder": 2 * sides["encoder"]["sliding_window"] - 2, "decoder": sides["decoder"]["sliding_window"]}
        types = {
            f"{side}_sliding": {"attention": {**block["attention"], "window": reach[side]}}
            for side, block in (("encoder", encoder), ("decoder", decoder))
            if SLIDING in sides[side]["layer_types"]
        }
        dropout = c["dropout_rate"]
        return {
            **decoder,
            "topology": "encoder_decoder",
            "placement": "sandwich",
            "layer_types": {"full": {}, **types},
            "encoder": {key: encoder[key] for key in ("layers", "heads", "attention", "position", "feedforward")},
            "cross_attention": decoder["attention"],
            "shared_embedding": False,
            "embedding": {"kind": "tokens", "scale": True, "dropout": dropout},
            "dropout": dropout,
            "final_dropout": dropout,
        }

    def _side(self, side: str, settings: Mapping[str, Any]) -> dict[str, Any]:
        """What one side is made of."""
        names = [f"{side}_sliding" if one == SLIDING else "full" for one in settings["layer_types"]]
        return merged(
            {"norm": {"kind": "rms", "weight": "one_plus"}, "position": rotary(settings), "head": {"kind": "lm"}},
            {"attention": {"kind": "full", "scale": settings["query_pre_attn_scalar"] ** -0.5}},
            nested(KEYS, settings),
            {"feedforward": {"kind": "glu", "activation": self.choose(ACTIVATIONS, settings, "hidden_activation")}},
            {"layers": repeated(names)},
        )

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        found = {}
        for side in SUBLAYERS:
            block = {**model, **{key: value for key, value in model[side].items() if value is not None}}
            windows = [layer["attention"]["window"] for layer in layers_of(block)]
            seen = next(filter(None, windows), None)
            window = seen // 2 + 1 if seen is not None and side == "encoder" else seen
            found[side] = {
                **rope_settings(block["position"]),
                **{key: value for key, value in flat(KEYS, block).items() if key not in WHOLE},
                "hidden_activation": NEWER_ACTIVATION_NAMES[block["feedforward"]["activation"]],
                "num_hidden_layers": len(windows),
                "layer_types": [SLIDING if one else FULL for one in windows],
                "query_pre_attn_scalar": pre_attention_scalar(block),
                "sliding_window": window or Side.settings["sliding_window"],
            }
        return {
            **found,
            "attention_dropout": model["attention"]["dropout"],
            "dropout_rate": model["dropout"],
            "tie_word_embeddings": model["head"]["tied"],
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        lines: list[Line] = [
            Rule("model.encoder.embed_tokens.weight", "source_embedding.table.weight"),
            Rule("model.decoder.embed_tokens.weight", "embedding.table.weight"),
            Rule("lm_head.out_proj.weight", "head.matrix.weight"),
            Tied("lm_head.out_proj.weight", "model.decoder.embed_tokens.weight"),
        ]
        for side in SUBLAYERS:
            lines += _layers(side)
        return lines


def _layers(side: str) -> Iterator[Line]:
    theirs, ours = f"model.{side}.layers.{{n}}", f"{side}.layers.{{n}}"
    yield from projections(f"{theirs}.self_attn", f"{ours}.attention")
    yield from projections(f"{theirs}.cross_attn", f"{ours}.cross")
    yield from gated(f"{theirs}.mlp", f"{ours}.feedforward")
    yield from weights(f"model.{side}.norm", f"{side}.norm")
    for number, name in enumerate(SUBLAYERS[side]):
        places = {f"pre_{name}_layernorm": f"in_norms.{number}", f"post_{name}_layernorm": f"branch_norms.{number}"}
        yield from norms(theirs, ours, places)
