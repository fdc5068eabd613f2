"""`${a.b}`: a value that is taken from elsewhere in the same spec, after all files and overrides are merged.

Only a whole value can be a reference. There are no functions, no environment and no text around it: a spec says what it
says wherever it is read.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from registry.errors import Path, Place, Problem, did_you_mean, dotted, quoted
from registry.located import MAX_DEPTH, MAX_NODES, Item, child_of, moved, nearest_keys
from registry.paths import PathError, next_step, split_path

_REFERENCE = re.compile(r"\$\{([^{}$]*)\}")
# References that lead to references: with the depth of the values it bounds the recursion of the resolver.
_MAX_HOPS = MAX_DEPTH


def resolve_references(root: Item, problems: list[Problem]) -> Item:
    """`root` with every reference replaced by its value; what cannot be replaced becomes a problem."""
    resolver = _Resolver(root, problems)
    try:
        return resolver.resolve(root, (), 0, 0).item
    except _TooLargeError as error:
        problems.append(error.args[0])
        return root


def named_by(item: Item) -> Iterator[str]:
    """The path that each reference in the tree names."""
    if isinstance(item.value, dict | list):
        for child in item.value.values() if isinstance(item.value, dict) else item.value:
            yield from named_by(child)
    elif isinstance(item.value, str) and (match := _REFERENCE.fullmatch(item.value)):
        yield match[1].strip()


class _TooLargeError(Exception):
    """The spec, with its references followed, is beyond the caps."""


@dataclass(frozen=True, slots=True)
class _Resolved:
    """An item without references, its number of values and its depth."""

    item: Item
    size: int
    depth: int


@dataclass
class _Resolver:
    root: Item
    problems: list[Problem]
    # By the identity of the item that holds the reference; None while it is being followed.
    known: dict[int, _Resolved | None] = field(default_factory=dict)
    nodes: int = 0

    def resolve(self, item: Item, path: Path, depth: int, hops: int) -> _Resolved:
        """`item`, which is written at `path`; it is going to stand at `depth`, after so many `hops` by reference."""
        value = item.value
        self.count(1, depth + isinstance(value, dict | list), hops, item.place)
        if isinstance(value, str):
            return self.scalar(item, value, path, depth, hops)
        if isinstance(value, dict):
            parts = {key: self.resolve(child, (*path, key), depth + 1, hops) for key, child in value.items()}
            made = replace(item, value={key: part.item for key, part in parts.items()})
            return _joined(made, list(parts.values()))
        if isinstance(value, list):
            parts_of_list = [self.resolve(child, (*path, i), depth + 1, hops) for i, child in enumerate(value)]
            return _joined(replace(item, value=[part.item for part in parts_of_list]), parts_of_list)
        return _Resolved(item, 1, 0)

    def count(self, size: int, depth: int, hops: int, place: Place) -> None:
        """Stop before a value is built that is beyond the caps."""
        self.nodes += size
        if depth > MAX_DEPTH or hops > _MAX_HOPS:
            raise _TooLargeError(Problem("", f"nested deeper than {MAX_DEPTH} levels, references followed", place))
        if self.nodes > MAX_NODES:
            raise _TooLargeError(Problem("", f"more than {MAX_NODES:,} values, references followed", place))

    def scalar(self, item: Item, text: str, path: Path, depth: int, hops: int) -> _Resolved:
        """A text: a reference is followed, once per place where it is written."""
        match = _REFERENCE.fullmatch(text)
        if match is None:
            if "${" in text:
                message = f"{quoted(text)}: a reference must be the whole value, as in ${{model.dim}}"
                self.refuse(path, message, item)
            return _Resolved(item, 1, 0)
        if id(item) in self.known:
            found = self.known[id(item)]
            if found is None:
                self.refuse(path, f"the reference {quoted(text)} leads back to itself", item)
                return _Resolved(replace(item, value=None), 1, 0)
            self.count(found.size, depth + found.depth, hops, item.place)
            return found
        self.known[id(item)] = None
        found = self.follow(item, match[1].strip(), path, depth, hops)
        self.known[id(item)] = found
        return found

    def follow(self, item: Item, target: str, path: Path, depth: int, hops: int) -> _Resolved:
        """The value that a reference names. It is looked up step by step, through other references if need be."""
        nothing = _Resolved(replace(item, value=None), 1, 0)
        earlier = len(self.problems)
        here = self.root
        steps: Path = ()
        try:
            if re.search(r"[:(,]", target):
                raise PathError("a reference is a path; there are no functions and no environment")
            names = split_path(target)
            while names:
                step, taken = next_step(here, names, steps)
                child = child_of(here, step)
                if child is None:
                    missing = quoted(dotted((*steps, step)))
                    hint = did_you_mean(str(step), nearest_keys(here))
                    raise PathError(f"nothing is set at {missing} by a file or an override.{hint}")
                if isinstance(child.value, str) and len(names) > taken and _REFERENCE.fullmatch(child.value):
                    child = self.scalar(child, child.value, (*steps, step), depth, hops + 1).item
                here, steps, names = child, (*steps, step), names[taken:]
        except PathError as error:
            # A reference that fails because the one it leads through has failed is not worth a second message.
            if len(self.problems) == earlier:
                self.refuse(path, f"the reference {quoted(str(item.value))}: {error}", item)
            return nothing
        found = self.resolve(here, steps, depth, hops + 1)
        return replace(found, item=moved(found.item, item.place, item.key_place))

    def refuse(self, path: Path, message: str, item: Item) -> None:
        self.problems.append(Problem(dotted(path), message, item.place))


def _joined(item: Item, parts: list[_Resolved]) -> _Resolved:
    return _Resolved(item, 1 + sum(part.size for part in parts), 1 + max((part.depth for part in parts), default=0))
