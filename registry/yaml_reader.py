"""The strict YAML reader: PyYAML reads the syntax, this file decides what a spec may hold and keeps every place.

Refused with a message: duplicate keys, tags, several documents, keys that are not text, NaN, infinity, giant integers,
recursive anchors, and anything beyond the caps on size, depth and number of values (aliases counted as often as they
are used). The merge key `<<` is refused too: it would mix the options of one kind into another behind the rule that a
changed `kind` replaces its block; `base:` is the way to share settings.
"""

import os
from dataclasses import dataclass
from typing import Any

import yaml

from registry.errors import Path, Place, Problem, SpecError, did_you_mean, quoted
from registry.located import Item, find, plain, what_is
from registry.yaml_builder import TreeBuilder
from registry.yaml_syntax import MAX_BYTES, decode


@dataclass(frozen=True)
class Document:
    """A YAML file as plain values, with the place of every one of them."""

    item: Item
    value: dict[str, Any]

    def place(self, path: Path) -> Place:
        """Where the value at `path` stands; what is not in the file takes the place of its nearest parent."""
        return find(self.item, path)[0].place

    def key_place(self, path: Path) -> Place:
        """Where the key of `path` stands; what is not in the file takes the place of its nearest parent."""
        return find(self.item, path)[0].key_place


def read_yaml(path: str | os.PathLike[str]) -> Document:
    """Read a spec file; places name it as `path` does. Raises SpecError, also for a file that cannot be read."""
    return read_yaml_text(_read_bytes(os.fspath(path)), os.fspath(path))


def read_yaml_text(text: str | bytes, name: str = "<text>") -> Document:
    """Read a spec from memory; places call it `name`."""
    builder = TreeBuilder(decode(text, name), name)
    item = builder.document()
    if builder.problems:
        raise SpecError(builder.problems)
    if item is None:
        raise SpecError([Problem("", "the file is empty", Place(name, 1, 1))])
    if not isinstance(item.value, dict):
        message = f"the top level must be a mapping ('key: value' lines), not {what_is(item.value)}"
        if isinstance(item.value, str) and ":" in item.value:
            message += f": {quoted(item.value)}; is a space missing after ':'?"
        raise SpecError([Problem("", message, item.place)])
    return Document(item, plain(item))


def parse_scalar(text: str) -> Any:
    """The value of a command-line override: `1e-4`, `no` (text), `[a, b]`, `{kind: longformer, window: 64}`."""
    name = "<value>"
    builder = TreeBuilder(decode(text, name), name)
    item = builder.document()
    if not builder.problems and (fault := _value_fault(builder, item, text)):
        raise SpecError([Problem("", fault, Place(name, 1, 1))])
    if builder.problems:
        raise SpecError(builder.problems)
    return None if item is None else plain(item)


def _value_fault(builder: TreeBuilder, item: Item | None, text: str) -> str | None:
    """What would silently be lost or guessed in a value on one line."""
    if item is None:
        return f"{quoted(text)} holds no value; quote it if it is text" if text.strip() else None
    if isinstance(builder.first, yaml.CollectionStartEvent) and not builder.first.flow_style:
        return "write a mapping as {key: value} and a list as [a, b], or quote the value if it is text"
    if text[builder.last.end_mark.index :].strip():
        return "'#' starts a comment; quote the value if it is text"
    return None


def _read_bytes(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            # One byte more than allowed tells a file that is too large, without reading all of it.
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        folder, name = os.path.split(path)
        try:
            hint = did_you_mean(name, sorted(os.listdir(folder or ".")))
        except OSError:
            hint = f" There is no folder {quoted(folder)}."
        message = f"{path}: no such file.{hint}"
    except IsADirectoryError:
        message = f"{path}: this is a folder, not a spec file"
    except (OSError, ValueError) as error:
        # ValueError: a NUL in the name.
        message = f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})"
    raise SpecError([Problem("", message)])
