"""What an `init_from` means, settled before anything is read: the folder, and the tokenizer that comes with it.

Imports no torch, so that `check` may use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from experiments.start.find import Found, find_source
from experiments.start.options import block_of, start_of
from registry.errors import Problem, SpecError
from registry.load import Loaded
from registry.overrides import Setting


def placed(loaded: Loaded) -> Loaded:
    """The same spec with `init_from` in its long form and, where it says none, the source's tokenizer.

    A spec that knows the hash of the weights was planned before and stays as it is; the source may be gone by then.
    Raises SpecError for a source that is not there and for a tokenizer that is not the source's.
    """
    start = start_of(loaded.full)
    if start is None or start.content is not None:
        return loaded
    place = loaded.composed.place(("init_from",))
    try:
        found = find_source(start.path)
    except SpecError as error:
        raise SpecError([replace(problem, place=place) for problem in error.problems]) from None
    # over a bare word a block would count as options of the part of that name
    settings: list[Setting] = [("init_from", None), ("init_from", block_of(start))]
    if start.tokenizer == "same":
        settings += _tokenizer(loaded, found)
    return loaded.variant(settings, "init_from")


def _tokenizer(loaded: Loaded, found: Found) -> list[Setting]:
    """The setting that takes over the tokenizer; none where the data have none, or it is the same already."""
    data = loaded.full.get("data")
    if not isinstance(data, Mapping) or "tokenizer" not in data:
        return []
    theirs = _theirs(found)
    if theirs is None:
        return []
    written = loaded.composed.value.get("data")
    if not isinstance(written, Mapping) or "tokenizer" not in written:
        return [("data.tokenizer", theirs)]
    if not _same(data["tokenizer"], theirs):
        words = (
            f"{_words(data['tokenizer'])} is not the tokenizer that the weights of {found.path} were learned with, "
            f"{_words(theirs)}, so its tokens have other numbers. Leave it out to take that one over; or set "
            "init_from.tokenizer: own, to leave the vectors of its tokens behind"
        )
        raise SpecError([Problem("data.tokenizer", words, loaded.composed.place(("data", "tokenizer")))])
    return []


def _theirs(found: Found) -> dict[str, Any] | None:
    """The source's tokenizer as a block: its file where it was learned; None where nothing is known of it."""
    if found.tokenizer_file is not None:
        return {"kind": "file", "path": str(found.tokenizer_file)}
    block = (found.data() or {}).get("tokenizer")
    return dict(block) if isinstance(block, Mapping) else None


def _same(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    """Whether two blocks mean the same tokenizer; files are compared by what is in them."""
    if "path" not in ours or "path" not in theirs:
        return all(ours.get(key) == value for key, value in theirs.items())
    try:
        return Path(ours["path"]).expanduser().read_bytes() == Path(theirs["path"]).read_bytes()
    except OSError:
        return False


def _words(block: Mapping[str, Any]) -> str:
    return f"{block['kind']} ({block['path']})" if "path" in block else str(block["kind"])
