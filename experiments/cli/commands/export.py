"""`swapformer export`: a model as others read it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from experiments.cli.options import plugin_option
from experiments.cli.weights import copy_beside, demand_new, told

if TYPE_CHECKING:
    from torch import nn


GRAPHS = ("onnx", "torch")


@click.command("export")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--as", "kind", metavar="KIND", help="A family's conversion, onnx, or torch; our own format unless given."
)
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), metavar="DIR", help="A new folder.")
@plugin_option
def command(folder: Path, kind: str | None, output: Path, plugins: tuple[str, ...]) -> None:
    """Write the model in FOLDER the way a published family is written.

    FOLDER: of a run (its best checkpoint; of a sweep, that of its best trial), or of an imported model. With --as, DIR
    gets config.json and model.safetensors, which transformers and everything that reads its files can load. A model
    that the family cannot express is refused with the options that stand in the way.

    With --as onnx or --as torch, DIR gets the model as a graph that runs without this program, in float32: model.onnx,
    or model.pt2 for torch.export.load; and inputs.json, which says what it reads and which sizes are free. It is
    compared with the model before it is kept. What no graph can express is refused with the reason.

    Without --as, DIR gets spec.yaml and model.safetensors: a run's model without what is left of its training.

    \b
    swapformer export runs/demo -o demo-model
    swapformer export runs/my-llama --as llama -o out
    swapformer export runs/classify --as onnx -o out
    python -c "import transformers; transformers.AutoModel.from_pretrained('out')"
    """
    demand_new(output)
    if kind in GRAPHS:
        _write_graph(folder, output, kind, plugins)
        return
    from registry import save_pretrained

    model = _model(folder, plugins)
    save_pretrained(model, output, as_=kind, plugins=plugins)
    beside = copy_beside(folder, output)
    click.echo(f"wrote {output}: {told(model)}{beside}" + (f", as {kind}" if kind else ""))


def _write_graph(folder: Path, output: Path, kind: str, plugins: tuple[str, ...]) -> None:
    from blocks.topology import Topology
    from experiments.exporting import CannotExport, write_graph

    model = _model(folder, plugins)
    assert isinstance(model, Topology)
    try:
        written = write_graph(model, output, kind)
    except CannotExport as error:
        raise click.UsageError(f"{told(model)}, cannot be written as {kind}: {error}") from None
    free = dict.fromkeys(word.replace("_", " ") for axes in written.free.values() for word in axes.values())
    sizes = f"any number of {' and '.join(free)}" if free else "only the sizes in inputs.json"
    beside = copy_beside(folder, output)
    click.echo(f"wrote {written.path}: {told(model)}{beside}; it takes {sizes}")
    click.echo(f"its largest difference from the model is {written.difference:.1g} (float32)")


def _model(folder: Path, plugins: tuple[str, ...]) -> nn.Module:
    """The model of a run, whose folder has checkpoints or the plan of a sweep, or of a folder of weights."""
    if (folder / "checkpoints").is_dir() or (folder / "plan.json").is_file():
        from experiments.trained import load_trained

        trained = load_trained(folder, plugins)
        if trained.folder != folder:
            click.echo(f"the best trial: {trained.folder}", err=True)
        return trained.model
    from registry import load_pretrained

    return load_pretrained(folder, plugins=plugins)
