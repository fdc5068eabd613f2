"""`swapformer new`: commented templates to start from."""

from __future__ import annotations

import re
from pathlib import Path

import click

from experiments.cli.writing import write_new

TEMPLATES = Path(__file__).parent.parent / "templates"


@click.group("new")
def command() -> None:
    """Start a spec, or a part of your own, from a commented template.

    Both work as they are: the spec can be checked and trained, the part listed, checked and trained.
    """


@command.command("spec")
@click.argument("name", default="experiment")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The file; NAME.yaml unless given.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def spec(name: str, output: Path | None, force: bool) -> None:
    """A spec with a model, its training and a small sweep, every line explained."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", name):
        raise click.UsageError(f"'{name}' cannot be a name: use lower-case letters, digits, '.', '_' and '-'")
    path = output or Path(f"{name}.yaml")
    _write("spec.yaml.txt", path, {"NAME": name, "FILE": str(path)}, force=force)
    click.echo(f"wrote {path}; next: swapformer check {path}")


@command.command("part")
@click.argument("name", default="mine")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The file; NAME.py unless given.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def part(name: str, output: Path | None, force: bool) -> None:
    """An attention kind NAME in one file, with the test that holds it to the contract."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,40}", name):
        raise click.UsageError(f"'{name}' cannot be a kind: use lower-case letters, digits and '_', a letter first")
    from registry.catalog import Catalog

    if name in (taken := Catalog.load().kinds("attention")):
        raise click.UsageError(f"attention '{name}' is taken; others: {', '.join(k for k in taken if k != name)}")
    path = output or Path(f"{name}.py")
    if not path.stem.isidentifier() or path.suffix != ".py":
        raise click.UsageError(f"'{path.name}' cannot be imported; choose a name like {name}.py")
    words = {"KIND": name, "CLASS": name.title().replace("_", ""), "MODULE": path.stem, "FILE": str(path)}
    _write("part.py.txt", path, words, force=force)
    click.echo(f"wrote {path}; next: swapformer show {name} --plugin {path}")


def _write(template: str, path: Path, words: dict[str, str], *, force: bool) -> None:
    text = (TEMPLATES / template).read_text(encoding="utf-8")
    for name, word in words.items():
        text = text.replace(f"@{name}@", word)
    write_new(path, text, force=force)
