"""From a spec file, its base files and the command line to one plain dict that knows where each value was set.

Order: base files as listed, then this file, then overrides; then references `${a.b}` are replaced. Unknown keys are not
found here but by the check against the schema, which asks `place` and `key_place` for the line to report.
"""

import functools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PureWindowsPath
from typing import Any

from registry.errors import Path, Place, Problem, SpecError, quoted
from registry.located import Item, find, located, plain, what_is
from registry.merge import Merger
from registry.overrides import Setting, apply_overrides, parse_overrides
from registry.references import named_by, resolve_references
from registry.shipped import spec_file
from registry.yaml_reader import read_yaml

COMMAND_LINE = "command line"
_MAX_BASE_CHAIN = 32


@dataclass(frozen=True)
class Composed:
    """A spec after merging, overriding and following references.

    value: plain dicts, lists and scalars.
    notes: one line for each block that lost options because its kind changed.
    """

    value: dict[str, Any]
    notes: tuple[str, ...]
    _item: Item
    # Before references are followed, so that an override still reaches what refers to it.
    _merged: Item
    _settings: Mapping[tuple[str, int], str]
    _kind_keys: tuple[str, ...]

    def place(self, path: Path) -> Place:
        """Where the value at `path` was set; a path that nobody set takes the place of its nearest parent."""
        return find(self._item, path)[0].place

    def key_place(self, path: Path) -> Place:
        """Where the key of `path` was written; a path that nobody set takes the place of its nearest parent."""
        return find(self._item, path)[0].key_place

    def origin(self, path: Path) -> str | None:
        """Who set `path`, for people: "tiny.yaml:3" or "command line: model.dim=8"; None when nobody did."""
        item, taken = find(self._item, path)
        if taken < len(path):
            return None
        place = item.place
        setting = self._settings.get((place.file, place.line))
        return f"{place.file}:{place.line}" if setting is None else f"{place.file}: {setting}"

    @functools.cached_property
    def references(self) -> frozenset[str]:
        """The paths that references anywhere in the spec name."""
        return frozenset(named_by(self._merged))

    def override(self, settings: Sequence[Setting], label: str = COMMAND_LINE) -> "Composed":
        """The same spec with more settings on top; places call them `label`. A setting is text or (path, value)."""
        problems: list[Problem] = []
        merger = Merger(self._kind_keys)
        merged = apply_overrides(self._merged, parse_overrides(settings, label, problems), merger, problems)
        item = resolve_references(merged, problems)
        if problems:
            raise SpecError(problems)
        named = {(label, i + 1): s if isinstance(s, str) else f"{s[0]}=..." for i, s in enumerate(settings)}
        notes = (*self.notes, *merger.notes)
        return Composed(plain(item), notes, item, merged, {**self._settings, **named}, self._kind_keys)


def compose(
    source: str | os.PathLike[str] | Mapping[str, Any],
    overrides: Sequence[Setting] = (),
    kind_keys: Sequence[str] = ("kind", "topology"),
) -> Composed:
    """Read, merge and override a spec. Raises SpecError with every problem of every file and override.

    source: a file, the name of a spec that ships, or a mapping (whose `base` files are then relative to the current
    folder).
    overrides: "a.b=value", "a.b=" (back to the default), "a.b+=value" (append), or (path, value).
    kind_keys: the keys that say which kind a block is.
    """
    problems: list[Problem] = []
    merger = Merger(tuple(kind_keys))
    loader = _Loader(merger, problems)
    if isinstance(source, Mapping):
        merged = loader.with_bases(located(source, Place("<dict>", 1, 1)), "", ())
    else:
        merged = loader.load(spec_file(source), ())
    if problems:
        # Overrides that depend on what could not be read would only add noise, but their own mistakes are told.
        parse_overrides(overrides, COMMAND_LINE, problems)
        raise SpecError(problems)
    composed = Composed({}, tuple(merger.notes), merged, merged, {}, merger.kind_keys)
    return composed.override(overrides)


class _Loader:
    """Reads files and the base files they name, each file once."""

    def __init__(self, merger: Merger, problems: list[Problem]) -> None:
        self.merger = merger
        self.problems = problems
        self.loaded: dict[str, Item] = {}

    def load(self, path: str, open_files: tuple[str, ...]) -> Item:
        """The file with its bases below it; `open_files` are the files that led here."""
        real = os.path.realpath(path)
        if real not in self.loaded:
            item = read_yaml(path).item
            self.loaded[real] = self.with_bases(item, os.path.dirname(path), (*open_files, path))
        return self.loaded[real]

    def with_bases(self, item: Item, folder: str, open_files: tuple[str, ...]) -> Item:
        """`item` without its key `base`, laid over the files that the key lists."""
        assert isinstance(item.value, dict)
        base = item.value.get("base")
        if base is None:
            return item
        merged: Item | None = None
        for named in base.value if isinstance(base.value, list) else [base]:
            try:
                below = self.load(self.base_path(named, folder, open_files), open_files)
                merged = self.merger.merge(merged, below)
            except SpecError as error:
                # A file that is missing is reported where it is named.
                self.problems.extend(
                    p if p.place else replace(p, path="base", place=named.place) for p in error.problems
                )
        own = replace(item, value={key: child for key, child in item.value.items() if key != "base"})
        return self.merger.merge(merged, own)

    def base_path(self, named: Item, folder: str, open_files: tuple[str, ...]) -> str:
        name = named.value
        if not isinstance(name, str) or not name:
            raise SpecError([Problem("base", f"a base is a file name, not {what_is(name)}", named.place)])
        # Read as a Windows path, "/x" has an anchor too.
        if PureWindowsPath(name).anchor or name.startswith("~"):
            message = f"the base {quoted(name)} is absolute; name it relative to the file that lists it"
            raise SpecError([Problem("base", message, named.place)])
        path = spec_file(name, folder)
        chain = [os.path.realpath(file) for file in open_files]
        if os.path.realpath(path) in chain:
            loop = [*open_files[chain.index(os.path.realpath(path)) :], path]
            message = f"base files form a cycle: {' -> '.join(os.path.normpath(file) for file in loop)}"
            raise SpecError([Problem("base", message, named.place)])
        if len(open_files) > _MAX_BASE_CHAIN:
            raise SpecError([Problem("base", f"a chain of more than {_MAX_BASE_CHAIN} base files", named.place)])
        # Shown without '..', unless a linked folder makes that another file.
        short = os.path.normpath(path)
        return short if os.path.realpath(short) == os.path.realpath(path) else path
