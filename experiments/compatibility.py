"""Which attention works with which position, visibility and topology: the declarations, cell by cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from registry.catalog import Catalog, Entry
from registry.check import check
from registry.resolve import Resolver
from registry.slots import held, needs_of

VISIBILITIES = {
    "bidirectional": "a token sees earlier and later ones",
    "causal": "a token must not see later ones",
    "prefix": "the prefix is visible to all tokens",
    "window": "a token sees those near it only",
    "padding": "padding is invisible",
    "segments": "packed documents do not see each other",
    "cross": "another stream is read",
    "decode": "tokens come one at a time, with a cache",
}
"""What a model can ask of its attention besides a position: words of the parts' `provides`, with their meaning."""


@dataclass(frozen=True)
class Cell:
    """One combination. offered: whether the topology knows this visibility; problems: why it cannot work."""

    attention: str
    position: str
    visibility: str
    topology: str
    offered: bool
    problems: tuple[str, ...]

    @property
    def works(self) -> bool:
        return self.offered and not self.problems

    @property
    def reason(self) -> str | None:
        """Why not, None when it works."""
        if not self.offered:
            return f"topology '{self.topology}' has no use for '{self.visibility}'"
        return "; ".join(self.problems) or None


def cells(catalog: Catalog) -> Iterator[Cell]:
    """Every combination: the same check that a spec goes through, on the smallest spec that has it."""
    known = Catalog({**catalog.entries, **{("visibility", word): _asking(word, "attention") for word in VISIBILITIES}})
    for topology in catalog.of("topology"):
        for word in VISIBILITIES:
            offered = word in topology["provides"]
            asking, settings = _asked_by(topology, word)
            for attention in catalog.of("attention"):
                for position in catalog.of("position"):
                    problems = _problems(asking, topology, attention, position, settings, known) if offered else ()
                    yield Cell(attention["kind"], position["kind"], word, topology["kind"], offered, problems)


def _asking(word: str, slot: str | None) -> Entry:
    """A visibility as a part that holds a model and needs the word of the attention in that slot; None: of nobody."""
    need = {"slot": f"model.{slot}", "capability": word, "because": VISIBILITIES[word], "when": {}}
    return {
        "family": "visibility",
        "kind": word,
        "kind_key": "kind",
        "options": [{"name": "model", "type": {"is": "part", "family": "topology"}}],
        "provides": [],
        "needs": [] if slot is None else [need],
        "rules": [],
    }


def _asked_by(topology: Entry, word: str) -> tuple[Entry, Mapping[str, Any]]:
    """Who asks for a visibility, and the settings of the topology with which it is asked for.

    Where the topology itself says when it asks (prefix: true) or in which slot (cross_attention), that decides; what
    only a batch can ask for (padding, packed documents, steps of decoding) is asked by the visibility.
    """
    slots = [name for name, family in held(topology["options"]) if family == "attention"]
    for need in needs_of(topology):
        if need["capability"] == word and need["slot"] in slots:
            # conditions of a side (decoder.causal) hold by its defaults
            settings = need["when"] if need in topology["needs"] else {}
            return _asking(word, None), {need["slot"]: None, **settings}
    return _asking(word, "attention"), {}


def _problems(
    asking: Entry, topology: Entry, attention: Entry, position: Entry, settings: Mapping[str, Any], known: Catalog
) -> tuple[str, ...]:
    kind = attention["kind"]
    slots = {name: kind if value is None else value for name, value in settings.items()}
    given = {"dim": 64, "heads": 4, "attention": kind, "position": position["kind"], **slots}
    resolver = Resolver(known)
    full = {"model": resolver.block(topology, given)}
    problems = resolver.problems or check(full, asking, known)
    return tuple(dict.fromkeys(problem.message for problem in problems))


@dataclass(frozen=True)
class Pair:
    """What the cells say of two parts together. reasons: what stands against the pair wherever it is offered."""

    works: bool
    offered: bool
    reasons: tuple[str, ...]


def pair(found: Sequence[Cell], **names: str) -> Pair:
    """The cells with these names taken together: a pair works when some combination of everything else does."""
    mine = [c for c in found if c.offered and all(getattr(c, field) == name for field, name in names.items())]
    if any(c.works for c in mine):
        return Pair(True, True, ())
    common = [message for message in mine[0].problems if all(message in c.problems for c in mine)] if mine else []
    everywhere = common or [message for c in mine for message in c.problems]
    return Pair(False, bool(mine), tuple(dict.fromkeys(message.split(";")[0] for message in everywhere)))
