"""Makes a located tree out of PyYAML's events, and refuses what no spec may hold."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from registry.errors import Path, Place, Problem, did_you_mean, dotted, quoted
from registry.located import MAX_DEPTH, MAX_NODES, Item, Scalar, moved, text_fault, what_is
from registry.scalars import read_plain
from registry.yaml_syntax import place_of, syntax_problem

_MAX_PROBLEMS = 100


@dataclass(frozen=True, slots=True)
class _Measured:
    """An item with its number of values and its depth, aliases expanded."""

    item: Item
    size: int
    depth: int


class _StopReadingError(Exception):
    """The rest of the text cannot be read; the problem is on the list."""


@dataclass
class TreeBuilder:
    """Reads one document from PyYAML's event stream, which (unlike its composer) does not recurse on nesting."""

    text: str
    name: str
    problems: list[Problem] = field(default_factory=list)
    # The first and the last event of the document, for those who care how the value was written.
    first: Any = None
    last: Any = None

    def __post_init__(self) -> None:
        self._events = self._guarded_events()
        # None marks an anchor whose block is still open; the number is its line.
        self._anchors: dict[str, tuple[_Measured | None, int]] = {}
        self._nodes = 0

    def refuse(self, path: Path, message: str, place: Place, stop: bool = False) -> None:
        """Put a problem on the list; reading goes on, so that all of them are told together."""
        self.problems.append(Problem(dotted(path), message, place))
        if stop or len(self.problems) >= _MAX_PROBLEMS:
            raise _StopReadingError

    def document(self) -> Item | None:
        """The one document of the text; None when it is empty or could not be read to its end (see `problems`)."""
        try:
            next(self._events)
            if isinstance(next(self._events), yaml.StreamEndEvent):
                return None
            self.first = self.last = next(self._events)
            item = self._node(self.first, ()).item
            next(self._events)
            after = next(self._events)
            if not isinstance(after, yaml.StreamEndEvent):
                message = "a second document starts here; a spec file holds one"
                self.refuse((), message, place_of(after.start_mark, self.name), stop=True)
        except _StopReadingError:
            return None
        first = self.first
        is_empty = isinstance(first, yaml.ScalarEvent) and first.implicit[0] and not first.value
        return None if is_empty else item

    def _guarded_events(self) -> Iterator[Any]:
        # Not the C parser: its messages differ, and it is not there on every machine.
        loader = yaml.SafeLoader(self.text)
        try:
            while loader.check_event():
                yield loader.get_event()  # type: ignore[no-untyped-call]
        except yaml.MarkedYAMLError as error:
            self.problems.append(syntax_problem(error, self.text, self.name))
            raise _StopReadingError from None
        except (ValueError, OverflowError):
            # An escape such as "\UFFFFFFFF", or a %YAML line with thousands of digits.
            self.refuse((), "a number here is out of range", place_of(loader.get_mark(), self.name), stop=True)
        finally:
            loader.dispose()

    def _next(self) -> Any:
        self.last = next(self._events)
        return self.last

    def _node(self, event: Any, path: Path) -> _Measured:
        place = place_of(event.start_mark, self.name)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path, place)
        self._count(1, path, place)
        anchor = event.anchor
        if anchor in self._anchors:
            message = f"the anchor '&{anchor}' is defined twice: lines {self._anchors[anchor][1]} and {place.line}"
            self.refuse(path, message, place)
        if anchor:
            self._anchors[anchor] = (None, place.line)
        if event.tag is not None:
            tag = quoted(event.tag.replace("tag:yaml.org,2002:", "!!"))
            self.refuse(path, f"the tag {tag} is not allowed; write the value alone", place)
        if isinstance(event, yaml.ScalarEvent):
            made = _Measured(Item(self._scalar(event, path, place), place, place), 1, 0)
        elif len(path) >= MAX_DEPTH:
            self.refuse((), f"nested deeper than {MAX_DEPTH} levels", place, stop=True)
        elif isinstance(event, yaml.SequenceStartEvent):
            made = self._sequence(path, place)
        else:
            made = self._mapping(path, place, event.flow_style)
        if anchor:
            self._anchors[anchor] = (made, place.line)
        return made

    def _count(self, nodes: int, path: Path, place: Place) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            message = f"more than {MAX_NODES:,} values (an alias counts as often as it is used)"
            self.refuse(path, message, place, stop=True)

    def _alias(self, event: Any, path: Path, place: Place) -> _Measured:
        nothing = _Measured(Item(None, place, place), 1, 0)
        if event.anchor not in self._anchors:
            hint = did_you_mean(event.anchor, self._anchors)
            self.refuse(path, f"the alias '*{event.anchor}' has no anchor '&{event.anchor}' above it.{hint}", place)
            return nothing
        target = self._anchors[event.anchor][0]
        if target is None:
            self.refuse(path, f"the alias '*{event.anchor}' is inside its own anchor", place)
            return nothing
        self._count(target.size, path, place)
        if len(path) + target.depth > MAX_DEPTH:
            self.refuse((), f"nested deeper than {MAX_DEPTH} levels by an alias", place, stop=True)
        return _Measured(moved(target.item, place, place), target.size, target.depth)

    def _scalar(self, event: Any, path: Path, place: Place) -> Scalar:
        # implicit[0]: written without quotes and without a tag.
        try:
            value = read_plain(event.value) if event.implicit[0] else str(event.value)
        except ValueError as error:
            self.refuse(path, str(error), place)
            return None
        if isinstance(value, str) and (fault := text_fault(value)):
            self.refuse(path, fault, place)
        return value

    def _sequence(self, path: Path, place: Place) -> _Measured:
        items: list[Item] = []
        size, depth = 1, 0
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            child = self._node(event, (*path, len(items)))
            items.append(child.item)
            size, depth = size + child.size, max(depth, child.depth)
        return _Measured(Item(items, place, place), size, depth + 1)

    def _mapping(self, path: Path, place: Place, flow: bool) -> _Measured:
        items: dict[str, Item] = {}
        size, depth = 1, 0
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key, key_place = self._key(event, path), place_of(event.start_mark, self.name)
            child_path = (*path, key or "?")
            child_event = self._next()
            child = self._node(child_event, child_path)
            size, depth = size + child.size, max(depth, child.depth)
            if key is None:
                continue
            if key in items:
                lines = f"lines {items[key].key_place.line} and {key_place.line}"
                self.refuse(child_path, f"the key {quoted(key)} appears twice: {lines}", key_place)
            elif flow and ":" in key and not event.style and child_event.start_mark.index == event.end_mark.index:
                self.refuse(child_path, f"{quoted(key)} has no value; is a space missing after ':'?", key_place)
            items.setdefault(key, moved(child.item, child.item.place, key_place))
        return _Measured(Item(items, place, place), size, depth + 1)

    def _key(self, event: Any, path: Path) -> str | None:
        """The key that `event` starts, or None when it is refused."""
        place = place_of(event.start_mark, self.name)
        if not isinstance(event, yaml.ScalarEvent):
            self.refuse(path, "a key must be text, not an alias, a list or a mapping", place, stop=True)
            return None
        if event.tag is not None or event.anchor:
            self.refuse(path, "a key cannot have a tag or an anchor", place)
            return None
        if event.value == "<<" and event.implicit[0]:
            self.refuse(path, "the merge key '<<' is not supported; share settings with 'base: [file]'", place)
            return None
        value = self._scalar(event, path, place)
        if isinstance(value, str) and value:
            return value
        if event.value == "":
            self.refuse(path, "a key is missing before ':'", place)
        elif not any(problem.place == place for problem in self.problems):
            self.refuse(path, f"a key must be text, not {what_is(value)}; quote it: '{event.value}'", place)
        return None
