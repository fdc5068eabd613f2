"""`swapformer export`: a model as others read it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from experiments.cli.options import plugin_option
from experiments.cli.weights import copy_beside, demand_new, told

if TYPE_CHECKING:
    from torch import nn


@click.command("export")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--as", "kind", metavar="KIND", help="The family's conversion; our own format unless given.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), metavar="DIR", help="A new folder.")
@plugin_option
def command(folder: Path, kind: str | None, output: Path, plugins: tuple[str, ...]) -> None:
    """Write the model in FOLDER the way a published family is written.

    FOLDER: of a run (its best checkpoint; of a sweep, that of its best trial), or of an imported model. With --as, DIR
    gets config.json and model.safetensors, which transformers and everything that reads its files can load. A model
    that the family cannot express is refused with the options that stand in the way.

    Without --as, DIR gets spec.yaml and model.safetensors: a run's model without what is left of its training.

    \b
    swapformer export runs/demo -o demo-model
    swapformer export runs/my-llama --as llama -o out
    python -c "import transformers; transformers.AutoModel.from_pretrained('out')"
    """
    demand_new(output)
    from registry import save_pretrained

    model = _model(folder, plugins)
    save_pretrained(model, output, as_=kind, plugins=plugins)
    beside = copy_beside(folder, output)
    click.echo(f"wrote {output}: {told(model)}{beside}" + (f", as {kind}" if kind else ""))


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
