"""Every declared part passes the contract of its family: its defaults, and options that change its path."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from blocks.contract import Check, checks_for
from blocks.contract.subject import FAMILIES, Subject
from registry.part import declared

# The options that a kind is tried with; {} where it is not listed. Short windows, so that few tokens exceed them.
VARIANTS: dict[tuple[str, str], list[dict[str, Any]]] = {
    ("attention", "full"): [
        {},
        {"window": 4},
        {"kv_heads": 1, "softcap": 2.0, "gate": True, "bias": False},
        {"heads": 4, "kv_heads": 2, "head_dim": 6, "scale": 1.0},
    ],
    ("attention", "longformer"): [
        {},
        {"window": 2, "global_tokens": 2},
        {"window": 6, "global_tokens": 1, "bias": False},
    ],
    ("attention", "performer"): [{}, {"features": 5, "norms": "constant"}, {"kernel": "relu"}],
    ("attention", "linear"): [{}, {"bias": False}],
    ("position", "rotary"): [{}, {"layout": "interleaved"}, {"fraction": 0.5}],
    ("position", "shaw"): [{}, {"clip": 2, "values": False}],
    ("position", "sinusoidal"): [{}, {"layout": "halves"}, {"layout": "tensor2tensor"}],
    ("position", "learned"): [{}, {"length": 64, "offset": 2}],
    ("position", "t5"): [{}, {"buckets": 8, "max_distance": 6}],
    ("position", "alibi"): [{}, {"heads": 6}],
    ("norm", "layer"): [{}, {"bias": False}],
    ("feedforward", "mlp"): [{}, {"hidden": 8, "bias": False, "activation": "relu2"}, {"activation": "gelu_tanh"}],
    ("placement", "parallel"): [{}, {"norms": "separate"}],
    ("placement", "deepnorm"): [{}, {"encoder_layers": 3}],
    ("embedding", "tokens"): [{}, {"scale": True}],
    ("head", "lm"): [{}, {"tied": False, "bias": True}],
    ("head", "classification"): [{"classes": 3}, {"classes": 3, "pool": "first"}, {"classes": 3, "pool": "last"}],
    ("topology", "decoder"): [{}, {"prefix": True}],
    ("topology", "encoder_decoder"): [{}, {"shared_embedding": False, "source_vocab": 11}],
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
