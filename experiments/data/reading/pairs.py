"""Which texts are to be compared: the shipped list of pairs, or one made by rule."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from experiments.data.errors import BadData
from experiments.data.files import Table, read_table, shipped

NEAR = 6
"""How far away in the file a passage may be that is taken for a neighbour."""


def passage_tables(home: Path) -> dict[str, Table]:
    """The shipped passages of each split."""
    whole = read_table(shipped(home, "passages.tsv"), ("id", "split", "text_a", "text_b"))
    found = {}
    for split in ("train", "valid", "test"):
        here = [i for i, name in enumerate(whole.columns["split"]) if name == split]
        columns = {name: [column[i] for i in here] for name, column in whole.columns.items()}
        found[split] = Table(whole.path, columns, [whole.rows[i] for i in here])
    return found


def listed_pairs(home: Path, split: str, passages: Table) -> Tensor:
    """The shipped pairs of a split as rows of its passages: int [p 3]."""
    table = read_table(shipped(home, f"{split}.tsv"), ("id_a", "id_b", "label"))
    row_of = {name: row for row, name in enumerate(passages.columns["id"])}
    found = []
    for a, b, label, row in zip(*table.columns.values(), table.rows, strict=True):
        if a not in row_of or b not in row_of:
            raise BadData(table.path, f"passage {b if a in row_of else a} is not in the split '{split}'", row=row)
        found.append([row_of[a], row_of[b], int(label)])
    return torch.tensor(found)


def neighbours(rows: int) -> Tensor:
    """Each row with its partner, and with that of the next row: int [2 rows 3]."""
    row = torch.arange(rows)
    right = torch.stack([row, row, torch.ones_like(row)], dim=1)
    wrong = torch.stack([row, (row + 1) % rows, torch.zeros_like(row)], dim=1)
    return torch.cat([right, wrong])
