"""`swapformer show`: everything about one part."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from experiments.cli.console import console, table
from experiments.cli.find_part import find_part
from experiments.cli.options import plugin_option
from registry.catalog import Catalog, Entry
from registry.docs import docs_of, option_docs, prose
from registry.example import example
from registry.partners import Partners, partners
from registry.slots import alternatives
from registry.values import TypeInfo, expected


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
        _paragraphs(screen, f"{entry['summary']} Fixes {_mapping(entry['fixed'])}.")
    for title, words in _facts(entry, catalog):
        _fact(screen, title, words)
    if entry["options"]:
        _options(screen, entry, catalog)
    found = partners(entry, catalog)
    for one in found:
        _goes_with(screen, one)
    line, below = example(entry, catalog)
    click.echo("\nIn a spec" + (f", below `{'.'.join(below)}:`" if below else "") + f"\n    {line}")


def _facts(entry: Entry, catalog: Catalog) -> Iterator[tuple[str, str]]:
    if entry["paper"]:
        yield "paper", entry["paper"]
    yield "file", _short(Path(entry["file"]))
    if entry["provides"]:
        yield "provides", ", ".join(entry["provides"])
    needs = [f"{n['slot']}: {n['capability']}{_when(n)}" for n in entry["needs"]]
    if needs:
        yield "needs", "; ".join(needs)
    for rule in entry["rules"]:
        because = f" ({rule['because']})" if rule["because"] else ""
        yield "rule", f"{rule['value']} must be a multiple of {rule['of']}{because}{_when(rule)}"


def _options(screen: Console, entry: Entry, catalog: Catalog) -> None:
    _table(screen, "option", entry["options"], docs_of(entry, catalog))
    records = [(o["name"], t) for o in entry["options"] for t in alternatives(o["type"]) if t["is"] == "record"]
    for name, record in {record["name"]: (name, record) for name, record in records}.values():
        names = [option["name"] for option in record["options"]]
        _table(screen, f"{name}.", record["options"], option_docs(record["doc"], names))


def _table(screen: Console, title: str, options: Sequence[TypeInfo], said: Mapping[str, str]) -> None:
    rows = table(title, "value", "default", "meaning")
    rows.columns[0].no_wrap = True
    rows.columns[0].min_width = max(len(option["name"]) for option in options)
    for option in options:
        rows.add_row(option["name"], _type(option["type"]), _default(option), said.get(option["name"], ""))
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
    conditions = [f"{name} is {_value(wanted)}" for name, wanted in fact["when"].items()]
    return f" when {' and '.join(conditions)}" if conditions else ""


def _type(type_: TypeInfo) -> str:
    """The type in words; that an option may be null is told by its default."""
    match type_["is"]:
        case "union":
            return ", or ".join(dict.fromkeys(_type(t) for t in type_["of"] if t["is"] != "none"))
        case "part":
            return f"a kind of {type_['family']}"
        case "record":
            return "a mapping, see below"
        case "choice":
            return ", ".join(map(str, type_["values"]))
        case "list":
            return f"list: {_type(type_['of'])}"
        case "map":
            return f"by name: {_type(type_['of'])}"
        case _:
            return expected(type_)


def _default(option: TypeInfo) -> str:
    if "default" not in option:
        return "required"
    is_record = isinstance(option["default"], dict) and any(t["is"] == "record" for t in alternatives(option["type"]))
    return "" if is_record else _value(option["default"])


def _value(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        given = {k: v for k, v in value.items() if v is not None}
        return str(given["kind"]) if list(given) == ["kind"] else "{" + _mapping(given) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _mapping(values: Any) -> str:
    return ", ".join(f"{name}: {_value(value)}" for name, value in values.items())


def _short(path: Path) -> str:
    """Relative to the current folder where it is below it."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
