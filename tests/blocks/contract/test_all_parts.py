"""Every declared part passes the contract of its family: its defaults, and options that change its path."""

from __future__ import annotations

import importlib
from functools import partial
from typing import Any

import pytest

from blocks.backbone import ResNet
from blocks.contract import Check, checks_for
from blocks.contract.subject import FAMILIES, Subject
from blocks.norm import LayerNorm, RMSNorm
from blocks.position import T5, Alibi, EveryLayer, Rotary, Sinusoidal, Sinusoidal2d
from blocks.scaling import YarnScaling
from blocks.topology.encoder_decoder import DecoderSide
from blocks.topology.layers import LayerType
from registry.part import declared

# The options that a kind is tried with; {} where it is not listed. Short windows, so that few tokens exceed them.
VARIANTS: dict[tuple[str, str], list[dict[str, Any]]] = {
    ("attention", "full"): [
        {},
        {"window": 4},
        {"kv_heads": 1, "softcap": 2.0, "gate": True, "bias": False},
        {"heads": 4, "kv_heads": 2, "head_dim": 6, "scale": 1.0},
        {"heads": 4, "kv_heads": 2, "qk_norm": RMSNorm, "qk_norm_over": "each_head", "rotate_first": True, "clip": 1.0},
        {"qk_norm": RMSNorm, "qk_norm_over": "projection", "sinks": True, "bias": ["query", "out"]},
        {"sinks": True, "window": 4, "softcap": 2.0, "sub_norm": RMSNorm},
    ],
    ("attention", "longformer"): [
        {},
        {"window": 2, "global_tokens": 2},
        {"window": 6, "global_tokens": 1, "bias": False},
    ],
    ("attention", "performer"): [
        {},
        {"features": 5, "norms": "constant", "guard": 1e-6},
        {"kernel": "relu"},
        {"kernel": "relu", "features": 0, "head_dim": 6},
        {"kernel": "none", "bias": False},
        {"stabiliser": "look_ahead"},
    ],
    ("attention", "linear"): [{}, {"bias": False}],
    ("attention", "transformer_xl"): [
        {},
        {"memory": 6, "same_length": True, "heads": 4},
        {"memory": 6, "same_length": True, "start": "zeros", "bias": True},
        {"memory": 4, "start": "zeros", "head_dim": 6},
    ],
    ("position", "rotary"): [
        {},
        {"layout": "interleaved"},
        {"fraction": 0.5, "reverse": True},
        {"scaling": partial(YarnScaling, factor=4.0, original_length=8), "base": 50.0},
    ],
    ("position", "temperature"): [{"length": 3, "start": 1}],
    ("position", "several"): [{"schemes": [Sinusoidal, Rotary]}, {"schemes": [EveryLayer, Alibi, T5]}],
    ("position", "every_layer"): [{}, {"scheme": Sinusoidal2d}],
    ("position", "shaw"): [{}, {"clip": 2, "values": False}],
    ("position", "sinusoidal"): [
        {},
        {"layout": "halves", "offset": 2},
        {"layout": "tensor2tensor"},
        {"stored": 64},
    ],
    ("position", "learned"): [{}, {"length": 64, "offset": 2}],
    ("position", "t5"): [{}, {"buckets": 8, "max_distance": 6, "each_layer": True}],
    ("position", "alibi"): [
        {},
        {"heads": 6},
        {"heads": 6, "scaled": True},
        {"rounded": True, "steepest": 7.0},
    ],
    ("position", "transformer_xl"): [{}, {"untie": True, "clamp": 3}, {"dim": 12, "heads": 3, "head_dim": 4}],
    ("scaling", "linear"): [{"factor": 4.0}],
    ("scaling", "ntk"): [{"factor": 4.0}],
    ("scaling", "llama3"): [{"original_length": 512}],
    ("scaling", "yarn"): [
        {"factor": 4.0, "original_length": 64},
        {"factor": 4.0, "original_length": 64, "truncate": False, "attention": 1.0},
    ],
    ("scaling", "longrope"): [
        {"short": [1.0] * 8, "long": [float(n) for n in range(1, 9)], "original_length": 64, "factor": 4.0},
        {"short": [1.0] * 8, "long": [2.0] * 8, "original_length": 64, "use": "short"},
    ],
    ("norm", "layer"): [{}, {"bias": False}, {"weight": "one_plus"}, {"weight": "none", "bias": False}],
    ("norm", "rms"): [{}, {"weight": "one_plus"}, {"weight": "none"}],
    ("feedforward", "mlp"): [
        {},
        {"hidden": 8, "bias": False, "activation": "relu2"},
        {"activation": "gelu_tanh"},
        {"activation": "xielu"},
    ],
    ("feedforward", "glu"): [{}, {"hidden": 8, "bias": True, "sub_norm": LayerNorm}],
    ("placement", "pre"): [{}, {"branch": 0.5, "bare": [0]}],
    ("placement", "parallel"): [{}, {"norms": "separate"}],
    ("placement", "deepnorm"): [{}, {"encoder_layers": 3}],
    ("backbone", "resnet"): [
        {"stem": 4, "widths": [8, 16], "depths": [1, 2]},
        {"stem": 4, "widths": [8, 16], "depths": [1, 2], "dilation": True, "channels": 1, "frozen": 2},
        {"stem": 4, "widths": [8, 8], "depths": [2, 1], "block": "basic"},
    ],
    ("embedding", "image_features"): [{"backbone": partial(ResNet, stem=4, widths=[8, 12], depths=[1, 1])}],
    ("embedding", "queries"): [{}, {"count": 3}],
    ("embedding", "adaptive"): [
        {},
        {"width": 6},
        {"cutoffs": [4, 7], "div": 2},
        {"cutoffs": [4, 7], "width": 8, "scale": False},
    ],
    ("embedding", "tokens"): [
        {},
        {"scale": True, "norm": LayerNorm, "norm_of": "tokens"},
        {"width": 6, "widen": "sum", "norm": RMSNorm},
    ],
    ("embedding", "patches"): [{"patch": 2}, {"patch": 2, "channels": 1, "class_tokens": 0, "bias": False}],
    ("embedding", "series"): [{}, {"channels": 3, "patch": 4}, {"types": 2}],
    ("embedding", "audio"): [{}, {"scale": 20.0}],
    ("position", "learned_2d"): [{"rows": 2}, {"rows": 3, "columns": 2, "outside": 0, "resize": "bilinear"}],
    ("head", "lm"): [{}, {"tied": False, "bias": True}],
    # the clusters of the embedding that it is tried with
    ("head", "adaptive_softmax"): [
        {"cutoffs": [4, 7], "div": 2},
        {"cutoffs": [4, 7], "div": 2, "tied_maps": "none"},
        {"cutoffs": [4, 7], "div": 2, "tied_maps": "all"},
        {"tied": False},
        {"cutoffs": [3], "tied": False, "width": 6},
    ],
    ("head", "detection"): [{"classes": 3}, {"classes": 3, "layers": 1}],
    ("head", "classification"): [
        {"classes": 3},
        {"classes": 3, "pool": "first", "pooler": "tanh"},
        {"classes": 3, "pool": "last"},
    ],
    ("head", "distillation"): [{"classes": 3}],
    ("head", "hidden"): [{}, {"pooler": "tanh"}],
    ("head", "mlm"): [{}, {"nsp": True, "activation": "gelu_tanh"}, {"tied": False, "bias": False, "width": 6}],
    ("head", "regression"): [{}, {"steps": 3, "values": 2, "pool": "last", "pooler": "relu"}],
    ("head", "forecast"): [{"patches": 6}, {"horizon": 3, "patches": 6, "values": 2}],
    ("head", "token_classification"): [{"classes": 3}],
    ("head", "token_regression"): [{"values": 2}],
    ("topology", "decoder"): [
        {},
        {"prefix": True},
        {"final_norm": "every_layer", "final_dropout": 0.3},
        {"layers": ["one", "one"], "layer_types": {"one": LayerType(shared=True)}},
    ],
    ("topology", "encoder_decoder"): [
        {},
        {"shared_embedding": False, "source_vocab": 11},
        {"decoder": DecoderSide(causal=False)},
    ],
}


def cases() -> list[Any]:
    """One for each part, variant and check."""
    for family in FAMILIES:
        importlib.import_module(f"blocks.{family}")
    found = []
    for (family, kind), part in sorted(declared().items()):
        if family not in FAMILIES or not part.target.__module__.startswith("blocks."):
            continue
        for options in VARIANTS.get((family, kind), [{}]):
            subject, checks = checks_for(family, kind, **options)
            said = ",".join(f"{k}={v}" for k, v in options.items())
            found += [pytest.param(subject, check, id=f"{family}-{kind}-{said}-{check.name}") for check in checks]
    return found


@pytest.mark.parametrize(("subject", "check"), cases())
def test_contract(subject: Subject, check: Check) -> None:
    check.run(subject)
