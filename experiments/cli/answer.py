"""A model's answer as people read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

LIKELIEST = 5
ENTRIES = 12


def told(answer: Mapping[str, Any]) -> str:
    """Lines of `name  value`; of long values what comes first, and how much more there is."""
    widest = max(map(len, answer), default=0)
    return "\n".join(
        f"{name if number == 0 else '':<{widest}}  {line}"
        for name, value in answer.items()
        for number, line in enumerate(_lines(value))
    )


def _lines(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping) and value and all(isinstance(entry, float) for entry in value.values()):
        ranked = sorted(value.items(), key=lambda entry: -entry[1])
        shown = ", ".join(f"{name} {_brief(number)}" for name, number in ranked[:LIKELIEST])
        yield shown + _more(len(ranked) - LIKELIEST)
    elif isinstance(value, list) and any(isinstance(entry, list | Mapping) for entry in value):
        yield from map(_brief, value[:ENTRIES])
        if len(value) > ENTRIES:
            yield _more(len(value) - ENTRIES).removeprefix(", ")
    elif isinstance(value, str):
        yield from value.splitlines() or [""]
    else:
        yield _brief(value)


def _brief(value: Any) -> str:
    match value:
        case bool() | None | str():
            return str(value)
        case float():
            return f"{value:.4g}"
        case Mapping():
            return ", ".join(f"{name} {_brief(entry)}" for name, entry in value.items())
        case list() | tuple():
            return "[" + ", ".join(map(_brief, value[:ENTRIES])) + _more(len(value) - ENTRIES) + "]"
        case _:
            return str(value)


def _more(count: int) -> str:
    return f", and {count} more" if count > 0 else ""
