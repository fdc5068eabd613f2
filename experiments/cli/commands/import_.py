"""`swapformer import`: a published checkpoint as a model of parts."""

from __future__ import annotations

from pathlib import Path

import click

from experiments.cli.options import plugin_option
from experiments.cli.weights import copy_beside, demand_new, told


@click.command("import")
@click.argument("path", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--as", "kind", metavar="KIND", help="The family's conversion; told from config.json unless given.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), metavar="DIR", help="A new folder.")
@plugin_option
def command(path: Path, kind: str | None, output: Path, plugins: tuple[str, ...]) -> None:
    """Read a published checkpoint and write it as a model of parts: a spec, and weights.

    PATH is a folder as Hugging Face lays it out: config.json with model.safetensors, or with the pieces that
    model.safetensors.index.json names. Nothing is downloaded, and pickles (.bin, .pt) are never read. What the model
    cannot do exactly as published is refused by name, and so is every tensor that is missing, too many or of another
    shape.

    DIR gets spec.yaml, the model in every detail, and model.safetensors, beside them the tokenizer's files. The spec is
    one like any other: look at it, change a part, train it; training starts from new weights.

    \b
    swapformer list conversion
    swapformer import ./gpt2 -o gpt2-parts
    swapformer import ./gpt2 --as gpt2 -o gpt2-parts
    swapformer describe gpt2-parts/spec.yaml
    python -c "import registry; registry.load_pretrained('gpt2-parts')"
    """
    demand_new(output)
    from registry import load_pretrained, save_pretrained

    model = load_pretrained(path, as_=kind, plugins=plugins)
    save_pretrained(model, output, plugins=plugins)
    beside = copy_beside(path, output)
    click.echo(f"wrote {output}: {told(model)}{beside}; next: swapformer describe {output}/spec.yaml")
