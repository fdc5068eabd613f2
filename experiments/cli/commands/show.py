"""`swapformer show`: everything about one part."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from experiments.cli.find_part import find_part
from experiments.cli.options import plugin_option
from experiments.cli.words import default_in_words, options_in_words, type_in_words, value_in_words
from experiments.console import console, table
from registry.catalog import Catalog, Entry
from registry.docs import docs_of, option_docs, prose
from registry.example import example
from registry.names import SPLIT
from registry.partners import Partners, partners
from registry.slots import records
from registry.values import TypeInfo


@click.command("show")
@click.argument("kind")
@plugin_option
def command(kind: str, plugins: tuple[str, ...]) -> None:
    """One part: what it computes, its paper, its options, and what it goes with.

    KIND: its name (longformer), or family/kind where several families have it (init/deepnorm).
    """
    catalog = Catalog.load(plugins)
    entry = find_part(kind, catalog)
    screen = console()
    screen.print(f"{entry['family']} {entry['kind']}", style="bold")
    names = [option["name"] for option in entry["options"]]
    _paragraphs(screen, prose(entry["doc"], names) if entry["doc"] else entry["summary"])
    if entry["fixed"]:
        _paragraphs(screen, f"{entry['summary']} Fixes {options_in_words(entry['fixed'])}.")
    for title, words in _facts(entry):
        _fact(screen, title, words)
    if entry["options"]:
        _options(screen, entry, catalog)
    found = partners(entry, catalog)
    for one in found:
        _goes_with(screen, one)
    if entry["usage"]:
        click.echo(f"\nOn the command line\n    {entry['usage'].format(kind=entry['kind'])}")
        return
    line, below = example(entry, catalog)
    click.echo("\nIn a spec" + (f", below `{'.'.join(below)}:`" if below else "") + f"\n    {line}")


def _facts(entry: Entry) -> Iterator[tuple[str, str]]:
    if entry["paper"]:
        yield "paper", entry["paper"]
    yield "file", _short(Path(entry["file"]))
    if not entry["plugin"]:
        yield "in Python", f"from {entry['module']} import {entry['name']}"
    if entry["reads"]:
        yield "reads", f"model_type {' or '.join(entry['reads'])}"
    if entry["provides"]:
        yield "provides", ", ".join(entry["provides"])
    if entry["metrics"]:
        yield "metrics", ", ".join(SPLIT + name for name in entry["metrics"])
    needs = [f"{n['slot']}: {n['capability']}{_when(n)}" for n in entry["needs"]]
    if needs:
        yield "needs", "; ".join(needs)
    for caveat in entry["caveats"]:
        yield "note", f"{caveat['capability']}{_when(caveat)}: {entry['kind']} {caveat['words']}"
    for rule in entry["rules"]:
        because = f" ({rule['because']})" if rule["because"] else ""
        yield "rule", f"{rule['value']} must be a multiple of {rule['of']}{because}{_when(rule)}"


def _options(screen: Console, entry: Entry, catalog: Catalog) -> None:
    _table(screen, "option", entry["options"], docs_of(entry, catalog))
    for path, record in {record["name"]: (path, record) for path, record in records(entry["options"])}.values():
        names = [option["name"] for option in record["options"]]
        _table(screen, f"{path}.", record["options"], option_docs(record["doc"], names))


def _table(screen: Console, title: str, options: Sequence[TypeInfo], said: Mapping[str, str]) -> None:
    rows = table(title, "value", "default", "meaning")
    rows.columns[0].no_wrap = True
    rows.columns[0].min_width = max(len(option["name"]) for option in options)
    for option in options:
        meaning = said.get(option["name"], "")
        rows.add_row(option["name"], type_in_words(option["type"]), default_in_words(option), meaning)
    screen.print(rows)


def _goes_with(screen: Console, one: Partners) -> None:
    _fact(screen, f"{one.family} it works with", ", ".join(one.works) or "none")
    for kind, why in one.limited.items():
        _fact(screen, f"  {kind}", why)
    by_reason: dict[str, list[str]] = {}
    for kind, why in one.refused.items():
        by_reason.setdefault(why, []).append(kind)
    for why, kinds in by_reason.items():
        _fact(screen, f"{one.family} it does not", f"{', '.join(kinds)}: {why}")


def _paragraphs(screen: Console, text: str) -> None:
    for paragraph in text.split("\n\n"):
        click.echo(textwrap.fill(paragraph, min(screen.width, 100)))


def _fact(screen: Console, title: str, words: str) -> None:
    indent = " " * (len(title) + 2)
    click.echo(
        textwrap.fill(f"{title}: {words}", min(screen.width, 100), subsequent_indent=indent, break_long_words=False)
    )


def _when(fact: Any) -> str:
    conditions = [f"{name} is {value_in_words(wanted)}" for name, wanted in fact["when"].items()]
    return f" when {' and '.join(conditions)}" if conditions else ""


def _short(path: Path) -> str:
    """Relative to the current folder where it is below it."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
