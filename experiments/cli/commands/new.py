"""`swapformer new`: commented templates to start from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from experiments.cli.writing import write_new

if TYPE_CHECKING:
    from registry.load import Loaded

TEMPLATES = Path(__file__).parent.parent / "templates"

MODEL = {"encoder": "  head: {kind: classification, pool: first}"}
DATA = {
    "decoder": ("data: {kind: text, corpus: speeches, length: 128, batch_size: 8}", "task: causal_lm"),
    "encoder": (
        "data: {kind: labelled_text, corpus: definitions, length: 128, batch_size: 8}",
        "task: classification",
    ),
    "encoder_decoder": ("data: {kind: parallel_text, length: 96, batch_size: 8}", "task: translation"),
}
"""Data that ship, their task, and the head that this needs, for each wiring of a model that reads text."""
OWN = ("# No data for such a model ship: see `swapformer list data` and `swapformer list task`.", "# data:", "# task:")
HOW = (
    "optimizer: {kind: adamw, lr: 1e-3}",
    "schedule: {kind: warmup_cosine, warmup: 50}",
    "trainer: {max_steps: 400, val_check_interval: 100, gradient_clip_val: 1.0}   # handed to Lightning's Trainer",
)


@click.group("new")
def command() -> None:
    """Start a spec, or a part of your own, from a commented template.

    Both work as they are: the spec can be checked and trained, the part listed, checked and trained.
    """


@command.command("spec")
@click.argument("name", default="experiment")
@click.option("--base", metavar="SPEC", help="A spec that ships, to build on: gpt2-124m. `swapformer list specs`.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The file; NAME.yaml unless given.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def spec(name: str, base: str | None, output: Path | None, force: bool) -> None:
    """A spec with a model, its training and a small sweep, every line explained.

    With --base, one that builds on a spec that ships, with data and a task for its kind of model.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", name):
        raise click.UsageError(f"'{name}' cannot be a name: use lower-case letters, digits, '.', '_' and '-'")
    path = output or Path(f"{name}.yaml")
    words = {"NAME": name, "FILE": str(path)}
    if base is None:
        _write("spec.yaml.txt", path, words, force=force)
    else:
        _write("base.yaml.txt", path, {**words, **_on(base)}, force=force)
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


def _on(base: str) -> dict[str, str]:
    """What a spec that builds on another one says of it. Raises UsageError where no spec of that name ships."""
    from registry.load import load
    from registry.shipped import meant, name_of, shipped

    name = name_of(base)
    if name not in shipped():
        hint = meant(name) or " `swapformer list specs` names them all."
        raise click.UsageError(f"no spec '{base}' ships.{hint}")
    loaded = load(shipped()[name])
    full, model = loaded.full, loaded.full["model"]
    sizes = [f"  {size}: {model[size]}" for size in ("dim", "layers", "heads") if isinstance(model[size], int)]
    has_data = full["data"] is not None
    wiring = model["topology"] if not has_data and _reads_text(loaded) else ""
    data = () if has_data else ("", *DATA.get(wiring, OWN), "", *HOW)
    vocab = [] if model["vocab"] is None else [f"  # vocab: null                    # the data's, not {model['vocab']}"]
    lines = [*sizes, *([MODEL[wiring]] if wiring in MODEL else []), *vocab]
    return {"BASE": name, "MODEL": "\n".join(lines), "TRAINING": "\n".join(data)}


def _reads_text(loaded: Loaded) -> bool:
    model = loaded.full["model"]
    embeddings = [(model.get("encoder") or {}).get("embedding"), model["embedding"]]
    kinds = [block["kind"] for block in embeddings if block is not None]
    return all("tokens" in loaded.catalog.get("embedding", kind)["provides"] for kind in kinds)


def _write(template: str, path: Path, words: dict[str, str], *, force: bool) -> None:
    text = (TEMPLATES / template).read_text(encoding="utf-8")
    for name, word in words.items():
        text = text.replace(f"@{name}@", word)
    write_new(path, text, force=force)
