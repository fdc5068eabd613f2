"""Problems of a spec: what is wrong, at which key, in which file and line, and the nearest valid word."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Path = tuple[str | int, ...]

# Cyrillic and Greek letters that look like a Latin one. NFKC already folds full-width and mathematical letters.
_LOOK_ALIKES = str.maketrans(
    "аеорсухіјѕһԁԛԝкмтвгпАВЕКМНОРСТУХІЈЅοανικρτυχωΑΒΕΖΗΙΚΜΝΟΡΤΥΧıɡℓ",
    "aeopcyxijshdqwkmtbrnABEKMHOPCTYXIJSoavikptuxwABEZHIKMNOPTYXigl",
)
# Soft hyphen, zero-width space, non-joiner, joiner, word joiner and byte order mark: nothing to see on the screen.
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))
_LONGEST_QUOTE = 60


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A position in a file; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `path` is the dotted key ("" for the whole file)."""

    path: str
    message: str
    place: Place | None = None

    def __str__(self) -> str:
        parts = [str(self.place) if self.place else "", self.path, self.message]
        return _printable(": ".join(part for part in parts if part))


class SpecError(Exception):
    """All problems of a spec at once; as text one line per problem, `file:line:column: path: message`, by place."""

    problems: tuple[Problem, ...]

    def __init__(self, problems: Iterable[Problem]) -> None:
        # dict.fromkeys: the same problem found twice is told once.
        self.problems = tuple(sorted(dict.fromkeys(problems), key=_by_place))
        # The problems are the only argument, so that the error survives pickling between processes.
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


def _by_place(problem: Problem) -> tuple[str, int, int]:
    place = problem.place
    return (place.file, place.line, place.column) if place else ("", 0, 0)


def _printable(text: str) -> str:
    """`text` on one line, with control characters (a terminal would obey them) written as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def dotted(path: Sequence[str | int]) -> str:
    """('layers', 0, 'dim') -> 'layers.0.dim'."""
    return ".".join(map(str, path))


def quoted(text: str) -> str:
    """`text` in single quotes, on one line, shortened when long."""
    if len(text) > _LONGEST_QUOTE:
        text = f"{text[: _LONGEST_QUOTE - 3]}..."
    return f"'{_printable(text)}'"


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that `word` was most likely meant to be, or None; case, `-` and `_` do not count."""
    # Imported late: only a spec with a mistake pays for it.
    import difflib

    plain = {_plain_form(candidate): candidate for candidate in reversed(list(candidates))}
    found = difflib.get_close_matches(_plain_form(word), plain, n=1, cutoff=0.6)
    return plain[found[0]] if found else None


def _plain_form(word: str) -> str:
    return word.lower().replace("-", "_")


def fold(word: str) -> str:
    """`word` with full-width, Cyrillic and Greek look-alikes written in ASCII and invisible characters dropped."""
    return unicodedata.normalize("NFKC", word.translate(_INVISIBLE)).translate(_LOOK_ALIKES).strip()


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """A sentence to put after a message (it starts with a space), or ""."""
    candidates = list(candidates)
    folded = fold(word)
    if not word.isascii() and folded in candidates and folded != word:
        return f" It contains non-ASCII look-alike characters; did you mean {quoted(folded)}?"
    found = nearest(word, candidates)
    return f" Did you mean {quoted(found)}?" if found is not None and found != word else ""
