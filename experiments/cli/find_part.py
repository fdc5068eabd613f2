"""From what a person types to the part that is meant: `longformer`, `attention/longformer`."""

from __future__ import annotations

import click

from registry.catalog import Catalog, Entry
from registry.errors import did_you_mean
from registry.shipped import shipped


def find_part(name: str, catalog: Catalog) -> Entry:
    """The part of that name. Raises UsageError, with the nearest name, when none or several are meant."""
    family, slash, kind = name.rpartition("/")
    if slash:
        if family not in catalog.families:
            raise click.UsageError(f"there is no family '{family}'.{_hint(family, catalog.families, 'Families')}")
        if kind not in catalog.kinds(family):
            raise click.UsageError(f"there is no {family} '{kind}'.{_hint(kind, catalog.kinds(family), 'Kinds')}")
        return catalog.get(family, kind)
    # a part of a spec is meant rather than the conversion of that name
    found = sorted(catalog.search(name), key=lambda entry: bool(entry["usage"]))
    found = [entry for entry in found if bool(entry["usage"]) == bool(found[0]["usage"])]
    if len(found) > 1:
        choices = " or ".join(f"{entry['family']}/{name}" for entry in found)
        raise click.UsageError(f"'{name}' is a kind of several families; say {choices}")
    if found:
        return found[0]
    if name in catalog.families:
        raise click.UsageError(f"'{name}' is a family; its kinds: {', '.join(catalog.kinds(name))}")
    if name in shipped():
        raise click.UsageError(f"'{name}' is no part but a spec that ships: `swapformer describe {name}`")
    hint = did_you_mean(name, catalog.all_kinds()) or " `swapformer list` names them all."
    raise click.UsageError(f"there is no part '{name}'.{hint}")


def _hint(word: str, known: list[str], title: str) -> str:
    return did_you_mean(word, known) or f" {title}: {', '.join(known)}."
