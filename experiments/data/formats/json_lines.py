"""Tables of one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from experiments.data.content import read_text
from experiments.data.errors import BadData
from experiments.data.formats.table import Table, gathered, places


def json_lines(path: Path, names: Sequence[str]) -> Table:
    """The named keys of every object; blank lines are skipped, and keys that nobody asks for may differ."""
    return gathered(path, names, _records(path, names))


def _records(path: Path, names: Sequence[str]) -> Iterator[tuple[int, list[Any]]]:
    for row, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except json.JSONDecodeError as error:
            raise BadData(path, f"not JSON: {error.msg} at column {error.colno}", row=row) from None
        except (ValueError, RecursionError) as error:
            raise BadData(path, f"JSON that cannot be read: {error}", row=row) from None
        if not isinstance(found, dict):
            raise BadData(path, f"a {type(found).__name__} where an object {{...}} is wanted", row=row)
        places(path, names, list(found), "the keys of this object are", row=row)
        yield row, [found[name] for name in names]
