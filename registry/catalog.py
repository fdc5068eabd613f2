"""The catalog of parts: what there is, described as plain data, read from a cached index without importing any part."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from registry import index
from registry.errors import Problem, SpecError, did_you_mean
from registry.part import Part, declared_in

Entry = Mapping[str, Any]
"""A part's description, as `registry.signature.describe` gives it, with its `file` and `provider`."""


class UnknownKind(KeyError):
    """A kind that no part in reach has."""


@dataclass(frozen=True)
class Catalog:
    """Parts by family and kind."""

    entries: Mapping[tuple[str, str], Entry] = field(default_factory=dict)

    @classmethod
    def load(cls, plugins: Sequence[str | Path] = ()) -> Catalog:
        """The parts of every installed package and of the plug-in files or modules named.

        Raises SpecError when a plug-in cannot be imported or claims a kind that is taken.
        """
        entries: dict[tuple[str, str], Entry] = {}
        problems: list[Problem] = []
        for provider in [*index.installed(), *map(index.plugin, plugins)]:
            for entry in provider.entries():
                key = entry["family"], entry["kind"]
                if key in entries and entries[key]["file"] != entry["file"]:
                    taken = entries[key]["file"]
                    problems.append(Problem("plugins", f"{key[0]} '{key[1]}' of {entry['file']} is taken by {taken}"))
                entries.setdefault(key, entry)
        if problems:
            raise SpecError(problems)
        return cls(entries)

    @functools.cached_property
    def families(self) -> list[str]:
        return list(self._kinds)

    def kinds(self, family: str) -> list[str]:
        return list(self._kinds.get(family, ()))

    @functools.cached_property
    def _kinds(self) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = {}
        for family, kind in self.entries:
            found.setdefault(family, []).append(kind)
        return {family: sorted(kinds) for family, kinds in found.items()}

    def of(self, family: str) -> list[Entry]:
        return [self.entries[family, kind] for kind in self.kinds(family)]

    def get(self, family: str, kind: str) -> Entry:
        """Raises UnknownKind, with the nearest kind, for one that does not exist."""
        if (family, kind) not in self.entries:
            raise UnknownKind(f"unknown {family} '{kind}'.{did_you_mean(kind, self.kinds(family))}")
        return self.entries[family, kind]

    def kind_key(self, family: str) -> str:
        """The key of a block that names its kind: `kind`, or what the family prefers."""
        kinds = self._kinds.get(family, ())
        return str(self.entries[family, kinds[0]]["kind_key"]) if kinds else "kind"

    def part(self, family: str, kind: str) -> Part:
        """The part itself; imports its module."""
        entry = self.get(family, kind)
        if entry["plugin"]:
            index.import_file(Path(entry["file"]))
        else:
            importlib.import_module(entry["module"])
        return declared_in(entry["module"])[family, kind]

    def search(self, kind: str) -> list[Entry]:
        """Every part of that kind, in whatever family."""
        return [entry for (_, k), entry in self.entries.items() if k == kind]

    def all_kinds(self) -> Iterable[str]:
        return dict.fromkeys(kind for _, kind in self.entries)
