"""How a dotted path is read against a spec.

A number steps into a list. A dotted key that exists in a mapping (`model.attention` in `sweep.axes`) is taken as one
key, the longest that fits; where keys of `sweep:` are paths, a rest that leads to nothing yet is one new key.
"""

from collections.abc import Sequence

from registry.errors import Path, did_you_mean, dotted, quoted
from registry.located import MAX_DEPTH, Item, child_of, find, nearest_keys

_KEYS_ARE_PATHS = (
    ("axes",),
    ("axes", "*", "when"),
    ("baseline",),
    ("exclude", "*"),
    ("overrides", "*", "set"),
    ("overrides", "*", "when"),
    ("random", "settings"),
    ("tune",),
    ("variants", "*"),
    ("zip", "*"),
)
"""Where in `sweep:`; a star is any key or number."""


class PathError(Exception):
    """What is wrong with a path, in words that complete "override 'x=1': "."""


def split_path(path: str) -> tuple[str, ...]:
    """'model.dim' -> ('model', 'dim')."""
    names = tuple(path.split("."))
    if not path:
        raise PathError("the path is empty")
    if not all(names):
        raise PathError("the path has an empty name beside a dot")
    if len(names) > MAX_DEPTH:
        raise PathError(f"the path has more than {MAX_DEPTH} names")
    return names


def match_path(root: Item, names: Sequence[str]) -> Path:
    """The steps that a path means in this tree; what is not there yet is taken name by name."""
    steps: Path = ()
    here: Item | None = root
    while names:
        step, taken = next_step(here, names, steps)
        here = child_of(here, step) if here is not None else None
        steps, names = (*steps, step), names[taken:]
    return steps


def next_step(here: Item | None, names: Sequence[str], steps: Path) -> tuple[str | int, int]:
    """The step from `here` (reached by `steps`) that the first of `names` mean, and how many of them it takes."""
    if here is not None and isinstance(here.value, list):
        return _list_index(names[0], len(here.value), quoted(dotted(steps))), 1
    keys = here.value if here is not None and isinstance(here.value, dict) else {}
    lengths = range(len(names), 0, -1)
    if _keys_are_paths(steps):
        # a longer path may be a key of its own
        known = (n for n in lengths if _holds(keys.get(".".join(names[:n])), names[n:]))
        taken = next(known, len(names))
    else:
        taken = next((n for n in lengths if ".".join(names[:n]) in keys), 1)
    return ".".join(names[:taken]), taken


def _holds(item: Item | None, names: Sequence[str]) -> bool:
    """Whether there is an item that says something under the first of these names, or no name is left."""
    return item is not None and (not names or (isinstance(item.value, dict) and names[0] in item.value))


def _keys_are_paths(steps: Path) -> bool:
    return steps[:1] == ("sweep",) and any(
        len(pattern) == len(steps) - 1 and all(p in ("*", s) for p, s in zip(pattern, steps[1:], strict=True))
        for pattern in _KEYS_ARE_PATHS
    )


def _list_index(name: str, length: int, where: str) -> int:
    if not (name.isascii() and name.isdecimal()):
        raise PathError(f"{where} is a list; use a number to step into it, not {quoted(name)}")
    # Compared by length first: Python refuses to convert thousands of digits.
    if len(name) > 9 or int(name) >= length:
        raise PathError(f"{where} is a list of {length}, counted from 0; there is no number {quoted(name)}")
    return int(name)


def missing_hint(root: Item, steps: Path) -> str:
    """The nearest key at the step where the path leaves the tree, as a sentence, or ""."""
    here, taken = find(root, steps)
    return did_you_mean(str(steps[taken]), nearest_keys(here)) if taken < len(steps) else ""
