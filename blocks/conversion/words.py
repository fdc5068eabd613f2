"""Words of config.json files for what several families have."""

from __future__ import annotations

ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_fast": "gelu_tanh",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "quick_gelu": "quick_gelu",
    "relu": "relu",
    "relu2": "relu2",
    "silu": "silu",
    "swish": "silu",
    "tanh": "tanh",
}
"""Their name of an activation -> ours."""

ACTIVATION_NAMES = {
    "gelu": "gelu",
    "gelu_tanh": "gelu_new",
    "quick_gelu": "quick_gelu",
    "relu": "relu",
    "relu2": "relu2",
    "silu": "silu",
    "tanh": "tanh",
}
"""Our name of an activation -> theirs."""

NEWER_ACTIVATION_NAMES = {**ACTIVATION_NAMES, "gelu_tanh": "gelu_pytorch_tanh"}
"""The same for families whose code takes the tanh form from torch, which rounds otherwise."""
