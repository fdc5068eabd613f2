"""Models with their weights, from and to folders: our own format, and those of published checkpoint families."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from registry.assembly import resolve_block
from registry.canonical import canonical
from registry.catalog import Catalog
from registry.checkpoint_errors import Shape, TensorProblems
from registry.errors import Problem, SpecError, did_you_mean
from registry.faithful import config_of
from registry.filling import compact, empty_model, filled
from registry.state import owned
from registry.tensor_files import WEIGHTS, bad, read_json, save_tensors, tensors_in, write_folder
from registry.yaml_reader import read_yaml
from registry.yaml_writer import dump_yaml

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from registry.tensor_files import TensorFiles

SPEC = "spec.yaml"
CONFIG = "config.json"
NOTES = "notes"
"""Where the metadata of our weights, and a model, keep what a config.json says that the model does not depend on."""

OF_ONES_OWN = "A table of your own (blocks.conversion.Conversion says how) is given as a plug-in."


def load_pretrained(
    path: str | Path,
    *,
    as_: str | None = None,
    plugins: Sequence[str | Path] = (),
    dtype: torch.dtype | str | None = None,
    device: torch.device | str | None = None,
) -> nn.Module:
    """The model in a folder with its weights, in evaluation mode; `model.spec` is its full model block.

    path: a folder of `save_pretrained`, or one in Hugging Face's layout: config.json with model.safetensors, or with
    the pieces that model.safetensors.index.json names. as_: the kind of conversion that reads the latter, told from
    config.json unless given. plugins: files or modules with parts and conversions of your own. dtype: of the weights,
    as in the file (the widest there) unless given, "bfloat16" or torch.bfloat16. device: where they go.
    Raises ValueError for a dtype that weights cannot have; SpecError for a folder that cannot be read and a spec that
    cannot be built; CheckpointError, a ValueError, with every missing, surplus and misshapen tensor, for weights that
    do not fit. Pickles are never read.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise bad(folder, "is not a folder; nothing is downloaded, so name the folder that holds the weights")
    catalog = Catalog.load(plugins)
    read = _read_own if as_ is None and (folder / SPEC).is_file() else _read_published
    with tensors_in(folder) as tensors:
        return read(folder, tensors, catalog, as_, _wanted(dtype) or tensors.dtype, device)


def _wanted(dtype: torch.dtype | str | None) -> torch.dtype | None:
    """The dtype that is meant. Raises ValueError for one that is unknown or not floating-point."""
    import torch

    found = getattr(torch, dtype.removeprefix("torch."), None) if isinstance(dtype, str) else dtype
    if dtype is None:
        return None
    if not isinstance(found, torch.dtype) or not found.is_floating_point:
        raise ValueError(f"dtype is a floating-point one such as 'float32' or torch.bfloat16, not {dtype!r}")
    return found


def _read_own(
    folder: Path, tensors: TensorFiles, catalog: Catalog, _: str | None, dtype: Any, device: Any
) -> nn.Module:
    block = read_yaml(folder / SPEC).value.get("model")
    if not isinstance(block, Mapping):
        raise bad(folder / SPEC, "has no `model:`")
    model = empty_model(resolve_block(block, catalog), catalog, dtype)
    _demand_same(folder, {name: tensor.shape for name, tensor in owned(model).items()}, tensors.shapes)
    model.notes = json.loads(tensors.metadata.get(NOTES, "{}"))
    return filled(model, tensors.items(), dtype, device)


def _read_published(
    folder: Path, tensors: TensorFiles, catalog: Catalog, kind: str | None, dtype: Any, device: Any
) -> nn.Module:
    if not (folder / CONFIG).is_file():
        raise bad(folder, f"has neither {SPEC} (our format) nor {CONFIG} (Hugging Face's)")
    config = read_json(folder / CONFIG)
    conversion = find_conversion(catalog, kind or _detect(config, catalog, folder))
    try:
        block = resolve_block(conversion.spec(config), catalog)
    except SpecError as error:
        whose = Problem("", f"{folder / CONFIG}: {conversion.name} reads it as a model that cannot be built")
        raise SpecError([whose, *error.problems]) from None
    model = empty_model(block, catalog, dtype)
    model.notes = conversion.notes(config)
    plan = conversion.plan(canonical(block, catalog), {name: tensor.shape for name, tensor in owned(model).items()})
    return filled(model, plan.read(tensors, tensors.shapes), dtype, device)


def save_pretrained(
    model: nn.Module,
    path: str | Path,
    *,
    as_: str | None = None,
    spec: Mapping[str, Any] | None = None,
    plugins: Sequence[str | Path] = (),
) -> None:
    """Write a model and its weights to a new folder, which appears whole or not at all.

    as_: a kind of conversion, for Hugging Face's layout (config.json and model.safetensors); our own unless given
    (spec.yaml, the full model block, and model.safetensors). spec: the model block, which models made by `assemble` and
    `load_pretrained` know themselves. plugins: as in `load_pretrained`.
    Raises SpecError for a folder that is not empty; CheckpointError, a ValueError, for a model that the family cannot
    express.
    """
    block = spec if spec is not None else getattr(model, "spec", None)
    if block is None:
        raise ValueError("the model does not know its spec: give `spec`, the model block that it was built from")
    catalog = Catalog.load(plugins)
    full = resolve_block(block, catalog)
    state = {name: tensor.detach().cpu() for name, tensor in owned(model).items()}
    notes = getattr(model, NOTES, {})
    if as_ is None:
        text, name, metadata = dump_yaml({"model": full}), SPEC, {NOTES: json.dumps(notes)}
    else:
        conversion = find_conversion(catalog, as_)
        config = {**conversion.notes(notes), **config_of(conversion, full, catalog), "torch_dtype": _dtype(state)}
        text, name, metadata = json.dumps(config, indent=2, sort_keys=True, allow_nan=False) + "\n", CONFIG, {}
        state = dict(
            conversion.plan(canonical(full, catalog), {name: tensor.shape for name, tensor in state.items()}).write(
                state
            )
        )

    def write(new: Path) -> None:
        (new / name).write_text(text, encoding="utf-8", newline="\n")
        save_tensors(new / WEIGHTS, {name: compact(tensor) for name, tensor in state.items()}, metadata)

    write_folder(Path(path), write)


def find_conversion(catalog: Catalog, kind: str) -> Any:
    """The table of that kind. Raises SpecError, with the nearest kind, for one that does not exist."""
    kinds = catalog.kinds("conversion")
    if kind not in kinds:
        known = did_you_mean(kind, kinds) or f" Kinds: {', '.join(kinds)}."
        raise SpecError([Problem("", f"there is no conversion '{kind}'.{known} {OF_ONES_OWN}")])
    return catalog.part("conversion", kind).target()


def _detect(config: Mapping[str, Any], catalog: Catalog, folder: Path) -> str:
    """The conversion that reads this model_type. Raises SpecError unless there is just one."""
    model_type = str(config.get("model_type", ""))
    entries = catalog.of("conversion")
    kinds = [entry["kind"] for entry in entries if model_type in entry["reads"]]
    if len(kinds) == 1:
        return str(kinds[0])
    if kinds:
        raise bad(folder / CONFIG, f"is of model_type '{model_type}', which {' and '.join(kinds)} read: say which one")
    known = sorted({name for entry in entries for name in entry["reads"]})
    says = f"is of model_type '{model_type}', for which there is no conversion" if model_type else "says no model_type"
    raise bad(folder / CONFIG, f"{says}.{did_you_mean(model_type, known)} There are: {', '.join(known)}. {OF_ONES_OWN}")


def _demand_same(folder: Path, wanted: Mapping[str, Shape], found: Mapping[str, Shape]) -> None:
    """Raise CheckpointError unless a file of our own holds just what the model needs."""
    problems = TensorProblems(
        missing=[name for name in wanted if name not in found],
        surplus={name: f"the model of {SPEC} has none" for name in found if name not in wanted},
        misshapen={n: (found[n], wanted[n]) for n in wanted if n in found and list(found[n]) != list(wanted[n])},
    )
    problems.demand_none(str(folder))


def _dtype(state: Mapping[str, Tensor]) -> str:
    """The dtype of the weights as config.json names it."""
    floats = (str(tensor.dtype) for tensor in state.values() if tensor.is_floating_point())
    return next(floats).removeprefix("torch.")
