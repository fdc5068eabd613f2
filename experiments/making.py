"""From a full spec to the objects of a run: data, model, task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments.data import Data
from registry import build
from registry.assembly import assemble_block, builder
from registry.catalog import Catalog
from registry.errors import Problem, SpecError

if TYPE_CHECKING:
    from torch import nn

    from experiments.tasks import Task
    from experiments.training.trial import Parts


def make_data(full: Mapping[str, Any], catalog: Catalog) -> Data:
    """The data of a spec, nothing read yet."""
    data: Data = build(builder(full["data"], "data", catalog), seed=full["seed"])
    return data


def filled(full: Mapping[str, Any], data: Data) -> dict[str, Any]:
    """The spec with what only the data know: the size of the vocabulary, the number of classes.

    Raises SpecError where the spec says something else, or where its texts are longer than the model's positions.
    """
    model = dict(full["model"])
    problems = []
    if model["vocab"] is None:
        model["vocab"] = data.vocab
    elif data.vocab is not None and model["vocab"] < data.vocab:
        problems.append(Problem("model.vocab", f"is {model['vocab']}, but the data have {data.vocab} different tokens"))
    if "source_vocab" in model and not model["shared_embedding"] and model["source_vocab"] is None:
        model["source_vocab"] = data.source_vocab
    if "classes" in model["head"] and model["head"]["classes"] is None:
        model["head"] = {**model["head"], "classes": data.classes}
    for path, wanted in data.shape().items():
        there = _at(model, path)
        if there is not None and there != wanted:
            problems.append(Problem(f"model.{path}", f"is {there}, but for these data it has to be {wanted}"))
    longest = (model["position"] or {}).get("length")
    if longest is not None and data.length is not None and longest < data.length:
        message = f"has {longest} positions, but the data are {data.length} tokens long"
        problems.append(Problem("model.position.length", message))
    if problems:
        raise SpecError(problems)
    return {**full, "model": model}


def _at(model: Mapping[str, Any], path: str) -> Any:
    """What a full spec says at a dotted path; None where it has no such place."""
    place: Any = model
    for name in path.split("."):
        place = place.get(name) if isinstance(place, Mapping) else None
    return place


@dataclass(frozen=True)
class PartsMaker:
    """`make_parts` with the catalog of some plug-ins; unlike a catalog it can be sent to another process."""

    plugins: tuple[str, ...] = ()

    def __call__(self, full: Mapping[str, Any]) -> Parts:
        return make_parts(full, Catalog.load(self.plugins), self.plugins)


def make_parts(full: Mapping[str, Any], catalog: Catalog, plugins: Sequence[str] = ()) -> Parts:
    """Data, and the task with its model in it. Weights are drawn from torch's current random stream.

    plugins: those of the catalog, for what the training starts from, which is read when it begins.
    """
    # Lightning comes with it; whoever only looks at a model does not wait for that
    from experiments.start.adapting import adapted
    from experiments.start.filling import Start
    from experiments.training.trial import Parts

    data = make_data(full, catalog)
    model = adapted(assemble_block(full["model"], catalog), full)
    start = None if full.get("init_from") is None else Start(full, plugins)
    return Parts(data, make_task(full, model, data, catalog), start)


def make_task(full: Mapping[str, Any], model: nn.Module, data: Data, catalog: Catalog) -> Task:
    """The task of a full spec around a model that there is."""
    task: Task = build(
        builder(full["task"], "task", catalog),
        model=model,
        data=data,
        optimizer=build(builder(full["optimizer"], "optimizer", catalog)),
        schedule=build(builder(full["schedule"], "schedule", catalog)),
    )
    return task
