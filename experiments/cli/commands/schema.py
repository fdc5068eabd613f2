"""`swapformer schema`: what editors need to complete and check specs."""

from __future__ import annotations

import json
from pathlib import Path

import click

from experiments.cli.options import plugin_option
from experiments.cli.writing import write_new
from registry.catalog import Catalog
from registry.json_schema import json_schema


@click.command("schema")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="A file, instead of the terminal.")
@plugin_option
def command(output: Path | None, plugins: tuple[str, ...]) -> None:
    """JSON Schema of spec files, your own parts (--plugin) included.

    Write it beside your specs (-o swapformer.schema.json) and begin each with
    `# yaml-language-server: $schema=swapformer.schema.json`: editors with a YAML language server then complete
    keys and kinds, show what they mean, and underline mistakes. An older schema is written over.
    """
    text = json.dumps(json_schema(Catalog.load(plugins)), indent=2, ensure_ascii=False) + "\n"
    if output is None:
        click.echo(text, nl=False)
    else:
        write_new(output, text, force=True)
        click.echo(f"wrote {output}", err=True)
