"""Settings from the command line: `a.b=value`, `a.b=` (back to the default), `a.b+=value` (append to a list).

How a dotted path is read is told in registry/paths.py.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from registry.errors import Path, Place, Problem, SpecError, dotted, quoted
from registry.located import Item, located, what_is
from registry.merge import Merger
from registry.paths import PathError, match_path, missing_hint, split_path
from registry.yaml_reader import parse_scalar

# One setting: text as typed, or a path and a plain value (for a sweep, whose values are blocks).
Setting = str | tuple[str, Any]


@dataclass(frozen=True, slots=True)
class Override:
    """One parsed setting."""

    text: str
    names: tuple[str, ...]
    action: Literal["set", "append", "remove"]
    leaf: Item

    def depth(self, kind_keys: Sequence[str]) -> int:
        """How deep the block is that this touches; to set a kind is to set the block that holds it."""
        return len(self.names) - (self.names[-1] in kind_keys)


def parse_overrides(settings: Iterable[Setting], label: str, problems: list[Problem]) -> list[Override]:
    """All settings that can be read; the others become problems. The place of number i is line i + 1 of `label`."""
    parsed = []
    for index, setting in enumerate(settings):
        text = setting if isinstance(setting, str) else f"{setting[0]}=..."
        try:
            parsed.append(_parse(setting, text, Place(label, index + 1, 1)))
        except (PathError, SpecError) as error:
            messages = [str(error)] if isinstance(error, PathError) else [p.message for p in error.problems]
            problems.extend(_problem(text, message, Place(label, index + 1, 1)) for message in messages)
    return parsed


def _problem(text: str, message: str, place: Place) -> Problem:
    return Problem("", f"override {quoted(text)}: {message}", place)


def _parse(setting: Setting, text: str, place: Place) -> Override:
    if isinstance(setting, str):
        path, equals, right = setting.partition("=")
        if not equals:
            raise PathError("there is no '='; write path=value, for example model.dim=256")
    else:
        path, right = setting[0], ""
    appends = path.endswith("+")
    path = path.removesuffix("+").strip()
    if path.startswith(("+", "~", "--")):
        raise PathError("write path=value alone, path+=value to append to a list, or path= to go back to the default")
    names = split_path(path)
    if names[0] == "base":
        raise PathError("'base' is read from files only")
    value_place = Place(place.file, place.line, text.index("=") + 2)
    if isinstance(setting, tuple):
        return Override(text, names, "set", located(setting[1], value_place, place))
    if not right.strip():
        if appends:
            raise PathError("there is nothing to append after '+='")
        return Override(text, names, "remove", Item(None, value_place, place))
    return Override(text, names, "append" if appends else "set", located(parse_scalar(right), value_place, place))


def apply_overrides(root: Item, overrides: Iterable[Override], merger: Merger, problems: list[Problem]) -> Item:
    """`root` with all overrides, in their order, except that a whole block is set before what is inside it.

    So `attention.window=8 attention.kind=longformer` means the same in either order.
    """
    for override in sorted(overrides, key=lambda o: o.depth(merger.kind_keys)):
        try:
            root = _apply(root, override, merger)
        except PathError as error:
            problems.append(_problem(override.text, str(error), override.leaf.key_place))
    return root


def _apply(root: Item, override: Override, merger: Merger) -> Item:
    steps, leaf = match_path(root, override.names), override.leaf
    if override.action == "set" and steps[-1] in merger.kind_keys:
        # To set the kind of a block is to lay {kind: word} over it, which drops the options of another kind.
        leaf = replace(leaf, value={str(steps[-1]): leaf})
        steps = steps[:-1]
    changed = _Edit(root, override.action, steps, leaf, merger).changed(root)
    # Only the end of a path can be removed, and a path has at least one name.
    assert changed is not None
    return changed


@dataclass(frozen=True, slots=True)
class _Edit:
    """One change at the end of a path through `root`."""

    root: Item
    action: Literal["set", "append", "remove"]
    steps: Path
    leaf: Item
    merger: Merger

    def changed(self, item: Item | None, done: int = 0) -> Item | None:
        """A copy of `item`, which stands after `done` steps, with the change made; None when it is to be removed."""
        if done == len(self.steps):
            return self._end(item)
        step, here = self.steps[done], quoted(dotted(self.steps[:done]))
        if self.action == "set":
            item = self._block(item, step, here)
        if item is not None and isinstance(item.value, list) and isinstance(step, int):
            child = self.changed(item.value[step], done + 1)
            if child is None:
                raise PathError("one item of a list cannot be removed; set the whole list")
            return replace(item, value=[*item.value[:step], child, *item.value[step + 1 :]])
        if item is None or not isinstance(item.value, dict):
            # Nothing is there to append to or to remove.
            return self._end(None)
        key = str(step)
        child = self.changed(item.value.get(key), done + 1)
        if child is None:
            return replace(item, value={name: other for name, other in item.value.items() if name != key})
        return replace(item, value={**item.value, key: child})

    def _block(self, item: Item | None, step: str | int, here: str) -> Item:
        """What a value is set in: a list or mapping as it is, a word as a block, a new mapping where nothing is."""
        if item is None or item.value is None:
            if isinstance(step, str) and step.isdecimal():
                raise PathError(f"there is no list at {here}; a number steps into an existing list only")
            return replace(self.leaf, value={})
        item = self.merger.as_block(item)
        if not isinstance(item.value, dict | list):
            raise PathError(f"{here} is {what_is(item.value)}, so it has no {quoted(str(step))}")
        return item

    def _end(self, item: Item | None) -> Item | None:
        where = quoted(dotted(self.steps))
        if self.action == "set":
            return self.merger.merge(item, self.leaf, self.steps)
        if item is None:
            purpose = "so there is nothing to remove" if self.action == "remove" else "so there is no list to append to"
            raise PathError(f"nothing is set at {where}, {purpose}.{missing_hint(self.root, self.steps)}")
        if self.action == "remove":
            return None
        if not isinstance(item.value, list):
            raise PathError(f"{where} is {what_is(item.value)}, not a list to append to")
        return replace(item, value=[*item.value, self.leaf])
