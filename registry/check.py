"""Whether the parts of a full spec go together: what each needs against what the others provide; builds nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeGuard

from registry.catalog import Catalog, Entry
from registry.errors import Path, Problem, dotted
from registry.resolve import Nowhere, Places
from registry.values import TypeInfo, fits


@dataclass
class Block:
    """A part or a record of a full spec, with the blocks inside it by the names of their options."""

    path: Path
    about: Entry
    options: Mapping[str, Any]
    slots: dict[str, Block] = field(default_factory=dict)
    inner: list[Block] = field(default_factory=list)

    @property
    def is_part(self) -> bool:
        return "kind" in self.about

    @property
    def name(self) -> str:
        return f"{self.about['family']} '{self.about['kind']}'"

    def parts(self) -> Iterator[Block]:
        """This block and those inside it that are parts."""
        if self.is_part:
            yield self
        for inner in self.inner:
            yield from inner.parts()


def check(value: Mapping[str, Any], root: Entry, catalog: Catalog, places: Places | None = None) -> list[Problem]:
    """Every need that is not met and every rule that is broken in the full form of a part's block."""
    found = _Checker(catalog, places or Nowhere())
    found.visit(block_of(value, root, catalog, ()), {}, {})
    return list(found.problems.values())


def caveats(value: Mapping[str, Any], root: Entry, catalog: Catalog) -> list[str]:
    """What must be known of parts that meet a need in a sense only, in the full form of a part's block."""
    found = _Checker(catalog, Nowhere())
    found.visit(block_of(value, root, catalog, ()), {}, {})
    return list(found.caveats)


def block_of(value: Mapping[str, Any], about: Entry, catalog: Catalog, path: Path) -> Block:
    """The tree of blocks behind a full form."""
    block = Block(path, about, value)
    for option in about["options"]:
        name = option["name"]
        for inner_path, inner, type_ in _blocks(value.get(name), option["type"], (*path, name)):
            if type_["is"] == "part":
                kind_key = catalog.kind_key(type_["family"])
                child = block_of(inner, catalog.get(type_["family"], inner[kind_key]), catalog, inner_path)
            else:
                child = block_of(inner, type_, catalog, inner_path)
            block.inner.append(child)
            if inner_path == (*path, name) and child.is_part:
                block.slots[name] = child
    return block


def _blocks(value: Any, type_: TypeInfo, path: Path) -> Iterator[tuple[Path, Any, TypeInfo]]:
    """The parts and records directly inside a value."""
    match type_["is"]:
        case "part" | "record" if isinstance(value, Mapping):
            yield path, value, type_
        case "union":
            chosen = next((t for t in type_["of"] if fits(value, t)), None)
            if chosen is not None:
                yield from _blocks(value, chosen, path)
        case "list" if isinstance(value, list):
            for i, item in enumerate(value):
                yield from _blocks(item, type_["of"], (*path, i))
        case "map" if isinstance(value, Mapping):
            for key, item in value.items():
                yield from _blocks(item, type_["of"], (*path, key))


class _Checker:
    def __init__(self, catalog: Catalog, places: Places) -> None:
        self.catalog = catalog
        self.places = places
        self.problems: dict[tuple[str, str], Problem] = {}
        self.caveats: dict[str, None] = {}

    def visit(
        self, block: Block, scope: Mapping[str, Block], numbers: Mapping[str, Any], holder: Block | None = None
    ) -> None:
        """Check a block and what is inside it; `scope` and `numbers` are what the blocks around it say.

        holder: the part that a record stands in.
        """
        scope = {**scope, **block.slots}
        own = {k: v for k, v in block.options.items() if v is not None or k not in numbers}
        numbers = {**numbers, **own}
        self._needs(block, scope)
        if block.is_part:
            self._rules(block, numbers)
        if block.slots or not block.is_part:
            # what stands further out meets what this block puts in its place
            for outer in scope.values():
                self._needs(outer, {**scope, **outer.slots})
                self._rules(outer, {**numbers, **outer.options})
        if holder is not None and not block.is_part:
            # what a record puts in the place of a slot has to do for the part that holds the record
            self._needs(replace(holder, slots={**holder.slots, **block.slots}), scope)
        for inner in block.inner:
            self.visit(inner, scope, numbers, block if block.is_part else holder)

    def _needs(self, block: Block, scope: Mapping[str, Block]) -> None:
        for need in block.about["needs"]:
            target = _find(need["slot"], block, scope)
            if target is None or not _holds(need["when"], block.options):
                continue
            if need["capability"] not in target.about["provides"]:
                where = max(block.path, target.path, key=len) if block.is_part else target.path
                self._add(where, self._unmet(block, target, need))
            for caveat in target.about["caveats"]:
                if caveat["capability"] == need["capability"] and _holds(caveat["when"], target.options):
                    self.caveats[f"{dotted(target.path)}: {target.name} {caveat['words']}"] = None

    def _unmet(self, block: Block, target: Block, need: Mapping[str, Any]) -> str:
        who = block.name if block.is_part else dotted(block.path)
        family, capability = target.about["family"], need["capability"]
        able = [e["kind"] for e in self.catalog.of(family) if capability in e["provides"]]
        text = (
            f"{target.name} cannot work with {who} ({need['because'] or 'it needs'}: {capability}); "
            f"{family} that works with {who}: {', '.join(able) or 'none'}"
        )
        if block.is_part:
            own = block.about["family"]
            others = [e["kind"] for e in self.catalog.of(own) if _served(e, target.about, need["slot"])]
            text += f"; {own} that works with {target.name}: {', '.join(others) or 'none'}"
        return text

    def _rules(self, block: Block, numbers: Mapping[str, Any]) -> None:
        for rule in block.about["rules"]:
            value = numbers.get(rule["value"])
            of = rule["of"] if isinstance(rule["of"], int) else numbers.get(rule["of"])
            if not _is_int(value) or not _is_int(of) or not of or not _holds(rule["when"], block.options):
                continue
            if value % of:
                named = f"{of}" if isinstance(rule["of"], int) else f"{rule['of']} ({of})"
                because = f": {rule['because']}" if rule["because"] else ""
                self._add(block.path, f"{rule['value']} ({value}) must be a multiple of {named}{because}")

    def _add(self, path: Path, message: str) -> None:
        self.problems.setdefault((dotted(path), message), Problem(dotted(path), message, self.places.place(path)))


def _find(slot: str, block: Block, scope: Mapping[str, Block]) -> Block | None:
    first, *rest = slot.split(".")
    found = block.slots.get(first) or scope.get(first)
    for step in rest:
        found = None if found is None else found.slots.get(step)
    return found


def _holds(when: Mapping[str, Any], options: Mapping[str, Any]) -> bool:
    def is_met(name: str, wanted: Any) -> bool:
        given = options.get(name)
        return given not in (None, False) if wanted == "*" else given == wanted

    return all(is_met(name, wanted) for name, wanted in when.items())


def _served(entry: Entry, target: Entry, slot: str) -> bool:
    """Whether what a part always needs of a slot is provided by `target`."""
    return all(n["capability"] in target["provides"] for n in entry["needs"] if n["slot"] == slot and not n["when"])


def _is_int(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
