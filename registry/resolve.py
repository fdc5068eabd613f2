"""From what a person wrote to the full spec: short forms expanded, defaults filled in, every mistake collected."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from registry.catalog import Catalog, Entry
from registry.errors import Path, Place, Problem, did_you_mean, dotted
from registry.values import LEAVES, TypeInfo, accepts, expected, fits, shown


class Places(Protocol):
    """Knows where each value was written."""

    def place(self, path: Path) -> Place | None: ...

    def key_place(self, path: Path) -> Place | None: ...


class Nowhere:
    """For specs that come from Python: no value has a place."""

    def place(self, path: Path) -> None:
        return None

    def key_place(self, path: Path) -> None:
        return None


@dataclass
class Resolver:
    """Resolves values against types; mistakes go to `problems` and leave None behind."""

    catalog: Catalog
    places: Places = field(default_factory=Nowhere)
    problems: list[Problem] = field(default_factory=list)
    _defaults: dict[Path, Any] = field(default_factory=dict)

    def resolve(self, value: Any, type_: TypeInfo, path: Path = ()) -> Any:
        """The full form of a value of that type."""
        kind = type_["is"]
        if kind in LEAVES:
            return self._leaf(value, type_, path)
        by_kind: dict[str, Callable[[Any, TypeInfo, Path], Any]] = {
            "part": self._part,
            "record": self._record,
            "list": self._list,
            "map": self._map,
            "union": self._union,
        }
        return by_kind[kind](value, type_, path)

    def _leaf(self, value: Any, type_: TypeInfo, path: Path) -> Any:
        if accepts(value, type_):
            return float(value) if type_["is"] == "float" else value
        is_word = type_["is"] == "choice" and isinstance(value, str)
        hint = did_you_mean(value, map(str, type_["values"])) if is_word else ""
        return self._refuse(value, type_, path, hint or _text_hint(value, type_))

    def _union(self, value: Any, type_: TypeInfo, path: Path) -> Any:
        for alternative in type_["of"]:
            if fits(value, alternative):
                return self.resolve(value, alternative, path)
        return self._refuse(value, type_, path, _text_hint(value, type_))

    def _list(self, value: Any, type_: TypeInfo, path: Path) -> Any:
        if not isinstance(value, list):
            return self._refuse(value, type_, path)
        return [self.resolve(item, type_["of"], (*path, i)) for i, item in enumerate(value)]

    def _map(self, value: Any, type_: TypeInfo, path: Path) -> Any:
        if not isinstance(value, Mapping):
            return self._refuse(value, type_, path)
        return {key: self.resolve(item, type_["of"], (*path, key)) for key, item in value.items()}

    def _record(self, value: Any, type_: TypeInfo, path: Path) -> Any:
        if not isinstance(value, Mapping):
            return self._refuse(value, type_, path)
        return self._options(value, type_["options"], path, f"'{dotted(path[-1:])}'")

    def _part(self, value: Any, type_: TypeInfo, path: Path) -> Any:
        family = type_["family"]
        kinds, key = self.catalog.kinds(family), self.catalog.kind_key(family)
        if isinstance(value, str):
            value = {key: value}
        if not isinstance(value, Mapping):
            return self._refuse(value, type_, path, f" Kinds: {', '.join(kinds)}.")
        if key not in value and "kind" in value:
            value = {key: value["kind"], **{k: v for k, v in value.items() if k != "kind"}}
        if key not in value:
            default = self._defaults.get(path)
            if not isinstance(default, Mapping) or key not in default:
                self._say(path, f"says no `{key}`; kinds of {family}: {', '.join(kinds)}")
                return None
            # options without a kind are those of the default, so that `optimizer.lr=1e-3` says enough
            value = {**default, **value}
        kind = value[key]
        if kind not in kinds:
            where = (*path, key) if self.places.place((*path, key)) else path
            hint = did_you_mean(kind, kinds) if isinstance(kind, str) else ""
            self._say(where, f"unknown {family} {shown(kind)}; kinds: {', '.join(kinds)}.{hint}")
            return None
        return self.block(self.catalog.get(family, kind), value, path)

    def block(self, entry: Entry, value: Mapping[str, Any], path: Path = ()) -> dict[str, Any]:
        """The full form of a part's block, its kind first."""
        key = entry["kind_key"]
        given = {k: v for k, v in value.items() if k != key}
        options = self._options(given, entry["options"], path, f"{entry['family']} '{entry['kind']}'", entry)
        return {key: entry["kind"], **options}

    def _options(
        self, given: Mapping[str, Any], options: Sequence[TypeInfo], path: Path, owner: str, entry: Entry | None = None
    ) -> dict[str, Any]:
        names = [option["name"] for option in options]
        for key in given:
            if key not in names:
                self._unknown(key, names, path, owner, entry)
        full: dict[str, Any] = {}
        for option in options:
            name = option["name"]
            if name in given:
                self._defaults[(*path, name)] = option.get("default")
                full[name] = self.resolve(given[name], option["type"], (*path, name))
            elif "default" in option:
                full[name] = self.resolve(option["default"], option["type"], (*path, name))
            else:
                self._say(path, f"{owner} needs '{name}' ({expected(option['type'])})")
                full[name] = None
        return full

    def _unknown(self, key: Any, names: Sequence[str], path: Path, owner: str, entry: Entry | None) -> None:
        message = f"{owner} has no option {shown(key)}.{did_you_mean(str(key), names)}"
        if entry is not None and key in entry["fixed"]:
            message = f"{owner} fixes '{key}' as {entry['fixed'][key]!r}"
        elif entry is not None:
            others = [e["kind"] for e in self.catalog.of(entry["family"]) if key in (o["name"] for o in e["options"])]
            message += f" It is an option of {', '.join(others)}." if others else self._inner(key, entry)
        if "mean" not in message:
            message += f" Options: {', '.join(names) or 'none'}."
        self.problems.append(Problem(dotted((*path, key)), message, self.places.key_place((*path, key))))

    def _inner(self, key: Any, entry: Entry) -> str:
        """Where a misplaced option may belong: inside a part that the block holds."""
        for option in entry["options"]:
            for type_ in (t for t in (option["type"], *option["type"].get("of", ())) if isinstance(t, Mapping)):
                kinds = self.catalog.of(type_["family"]) if type_["is"] == "part" else ()
                if any(key == inner["name"] for kind in kinds for inner in kind["options"]):
                    return f" Did you mean '{option['name']}.{key}'?"
        return ""

    def _refuse(self, value: Any, type_: TypeInfo, path: Path, hint: str = "") -> None:
        self._say(path, f"expects {expected(type_)}, not {shown(value)}.{hint}")

    def _say(self, path: Path, message: str) -> None:
        self.problems.append(Problem(dotted(path), message, self.places.place(path)))


def _text_hint(value: Any, type_: TypeInfo) -> str:
    if type_["is"] == "union":
        return next(filter(None, (_text_hint(value, t) for t in type_["of"])), "")
    if type_["is"] in ("int", "float") and isinstance(value, str):
        return " Text is not a number: leave out the quotes." if _is_number(value) else ""
    if type_["is"] == "str" and isinstance(value, int | float):
        return " Put it in quotes."
    if type_["is"] == "bool" and value in ("yes", "no", "on", "off"):
        return f" Write {'true' if value in ('yes', 'on') else 'false'}."
    return ""


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
