"""How one block of a spec is laid over another.

Mappings merge, lists and scalars replace. A block whose `kind` changes is replaced whole, because the options of one
kind mean nothing to another. A model whose `topology` changes keeps the rest, because its parts mean the same in all
of them; an option that only the old one has is refused by the check. A bare word counts as {kind: word}, so that
`attention: full` and a later `attention: {window: 8}` make {kind: full, window: 8}.
"""

import re
from dataclasses import dataclass, field, replace

from registry.errors import Path, dotted, quoted
from registry.located import Item

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


@dataclass
class Merger:
    """Lays items over each other and notes what a change of kind dropped."""

    kind_keys: tuple[str, ...]
    notes: list[str] = field(default_factory=list)

    def merge(self, below: Item | None, above: Item, path: Path = ()) -> Item:
        """`above` wins; neither item is changed."""
        if below is None:
            return above
        if self._kind(below) is not None:
            above = self.as_block(above)
        if not isinstance(above.value, dict):
            return above
        lower = self.as_block(below)
        if not isinstance(lower.value, dict):
            return above
        old, new = self._kind(lower), self._kind(above)
        if old is not None and new is not None:
            if old[1] != new[1] and {old[0], new[0]} == {self.kind_keys[0]}:
                self._note(path, lower.value, above.value, old[1], new[1])
                return above
            # The same kind under another of the kind keys must not leave both behind.
            lower = replace(lower, value={key: child for key, child in lower.value.items() if key != old[0]})
        return self._union(lower, above, path)

    def as_block(self, item: Item) -> Item:
        """A bare word as {kind: word}; anything else as it is."""
        if isinstance(item.value, str) and _WORD.fullmatch(item.value):
            return replace(item, value={self.kind_keys[0]: item})
        return item

    def _union(self, lower: Item, above: Item, path: Path) -> Item:
        assert isinstance(lower.value, dict)
        assert isinstance(above.value, dict)
        first = [key for key in self.kind_keys if key in above.value]
        merged = {key: above.value[key] for key in first} | lower.value
        for key, child in above.value.items():
            merged[key] = self.merge(merged.get(key), child, (*path, key))
        return replace(above, value=merged)

    def _kind(self, item: Item) -> tuple[str, str] | None:
        """The kind key of a block and the kind."""
        if isinstance(item.value, dict):
            for key in self.kind_keys:
                child = item.value.get(key)
                if child is not None and isinstance(child.value, str):
                    return key, child.value
        return None

    def _note(self, path: Path, lower: dict[str, Item], above: dict[str, Item], old: str, new: str) -> None:
        lost = [key for key in lower if key not in above and key not in self.kind_keys]
        if lost:
            where = f"{dotted(path)}: " if path else ""
            dropped, verb = ", ".join(map(quoted, lost)), "is" if len(lost) == 1 else "are"
            self.notes.append(
                f"{where}the kind changes from {quoted(old)} to {quoted(new)}, so {dropped} {verb} dropped"
            )
