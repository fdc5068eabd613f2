"""A model without weights, and weights put into it: nothing is drawn, copied or held twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook
from torch.utils.weak import WeakIdKeyDictionary

from registry.assembly import assemble_block
from registry.catalog import Catalog
from registry.checkpoint_errors import CheckpointError
from registry.state import owned


def empty_model(full: Mapping[str, Any], catalog: Catalog, dtype: torch.dtype) -> nn.Module:
    """The model of a full block with parameters that have a shape and no content, and buffers as they should be.

    dtype: what buffers are computed for.
    """
    dropped = WeakIdKeyDictionary()

    def drop(module: nn.Module, name: str, parameter: nn.Parameter | None) -> nn.Parameter | None:
        if parameter is None or parameter.is_meta:
            return parameter
        if parameter not in dropped:
            dropped[parameter] = nn.Parameter(parameter.to("meta"), requires_grad=parameter.requires_grad)
        # a parameter in two places stays one
        return dropped[parameter]  # type: ignore[no-any-return]

    before = torch.get_default_dtype()
    handle = register_module_parameter_registration_hook(drop)  # type: ignore[arg-type]
    # the caller's random stream is not for weights that are thrown away
    with torch.random.fork_rng(devices=[]):
        try:
            torch.set_default_dtype(torch.promote_types(dtype, torch.float32))
            return assemble_block(full, catalog)
        finally:
            torch.set_default_dtype(before)
            handle.remove()


def filled(
    model: nn.Module,
    tensors: Iterable[tuple[str, Tensor]],
    dtype: torch.dtype,
    device: torch.device | str | None = None,
) -> nn.Module:
    """An empty model with these tensors in it, in evaluation mode; shared ones stay shared.

    Every parameter must be among them; buffers that are not stay as the model was built. Raises CheckpointError for
    whole numbers in the place of a parameter.
    """
    places = _places(model)
    for name, tensor in tensors:
        value = compact(tensor.to(device, dtype if tensor.is_floating_point() else None))
        holders = places.pop(name)
        old = holders[0][0][holders[0][1]]
        if isinstance(old, nn.Parameter) and not value.is_floating_point():
            kind = str(value.dtype).removeprefix("torch.")
            raise CheckpointError(
                f"'{name}' is filled with {kind} numbers, weights are floating-point (quantised files?)"
            )
        new = nn.Parameter(value, old.requires_grad) if isinstance(old, nn.Parameter) else value
        for holder, key in holders:
            holder[key] = new
    empty = [name for name, holders in places.items() if holders[0][0][holders[0][1]].is_meta]
    assert not empty, f"not filled: {', '.join(empty)}"
    return model.to(device, dtype).eval()


def compact(tensor: Tensor) -> Tensor:
    """The tensor with memory of its own, which holds nothing else."""
    tensor = tensor.contiguous()
    alone = tensor.untyped_storage().nbytes() == tensor.numel() * tensor.element_size()
    return tensor if alone else tensor.clone()


def _places(model: nn.Module) -> dict[str, list[tuple[dict[str, Any], str]]]:
    """Where each tensor that a model owns stands: the dicts that hold it, with its key in each."""
    names = {id(tensor): name for name, tensor in owned(model).items()}
    found: dict[str, list[tuple[dict[str, Any], str]]] = {name: [] for name in names.values()}
    for module in model.modules():
        for slot in (module._parameters, module._buffers):
            for key, tensor in slot.items():
                if tensor is not None and id(tensor) in names:
                    found[names[id(tensor)]].append((slot, key))
    return found
