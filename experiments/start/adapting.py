"""What of a model is trained: weights that are kept still, and adapters beside linear maps."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import Any

from torch import nn

from experiments.extras import MissingExtra
from experiments.start.match import ADAPTER, plain
from experiments.start.options import InitFrom, Lora, start_of
from experiments.start.patterns import matching
from registry.errors import Problem, SpecError


def adapted(model: nn.Module, full: Mapping[str, Any]) -> nn.Module:
    """The model of a full spec, changed in place as its `init_from` asks: the same in a training that goes on.

    Frozen weights take no gradient, so that the optimizer knows nothing of them. With `lora`, adapters and the head are
    trained. Dropout inside what is frozen goes on, as in the training that the weights are from.

    Raises SpecError for a pattern that matches nothing and where nothing is left to train, MissingExtra.
    """
    start = start_of(full)
    if start is None:
        return model
    if start.lora is not None:
        _add_adapters(model, start.lora)
    _freeze(model, start)
    return model


def _freeze(model: nn.Module, start: InitFrom) -> None:
    parameters = dict(model.named_parameters())
    names = {plain(name): name for name in parameters if ADAPTER not in name}
    for name in matching(start.freeze or [], names, model, "init_from.freeze"):
        parameters[names[name]].requires_grad = False
    if not any(parameter.requires_grad for parameter in parameters.values()):
        raise SpecError([Problem("init_from.freeze", "nothing is left to train")])


def linear_maps(model: nn.Module, lora: Lora) -> list[str]:
    """The names of the linear maps that get adapters. Raises SpecError for a target that matches none."""
    names = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    inside = [name for name in names if not name.startswith("head.")]
    return matching(lora.targets, inside, model, "init_from.lora.targets")


def _add_adapters(model: nn.Module, lora: Lora) -> None:
    targets = linear_maps(model, lora)
    require_lora()
    from peft import LoraConfig, inject_adapter_in_model

    options = LoraConfig(r=lora.rank, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules=targets)
    inject_adapter_in_model(options, model)
    for name, parameter in model.named_parameters():
        # a head that shares the embedding's table trains what is its own
        parameter.requires_grad = ADAPTER in name or name.startswith("head.")


def require_lora() -> None:
    """Raises MissingExtra where `peft` is not installed."""
    if importlib.util.find_spec("peft") is None:
        raise MissingExtra("init_from.lora: peft is not installed: pip install 'swapformer[lora]'")
