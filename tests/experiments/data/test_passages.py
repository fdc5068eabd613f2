"""Pairs of texts: rows, wrong partners, pairs to judge, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from experiments.data import BadData, Passages
from experiments.data.reading.pairs import NEAR

PAD, BOS = 256, 257


def pairs_of(folder: Path, rows: int = 20, **options: Any) -> Passages:
    text = "a\tb\n" + "".join(f"{'x' * i}{i}\t{i}{'y' * i}\n" for i in range(rows))
    for name in ("train", "valid"):
        (folder / f"{name}.tsv").write_text(text)
    files = {name: str(folder / f"{name}.tsv") for name in ("train", "valid")}
    return Passages(0, **files, **options)


def test_batch(tmp_path: Path) -> None:
    batch = next(iter(pairs_of(tmp_path, batch_size=2).eval_loader()))
    assert batch["tokens"].tolist() == [[BOS, *b"0", PAD], [BOS, *b"x1"]]
    assert batch["partner"].tolist() == [[BOS, *b"0", PAD], [BOS, *b"1y"]]
    assert batch["valid"].tolist() == batch["partner_valid"].tolist() == [[True, True, False], [True] * 3]
    assert batch["rows"].tolist() == [0, 1]


@pytest.mark.parametrize(("wrong", "reach"), [("near", NEAR), ("any", 19)])
def test_a_wrong_text_is_another_row_s_and_near_where_asked(wrong: Any, reach: int, tmp_path: Path) -> None:
    rows = pairs_of(tmp_path, wrong=wrong).rows("train")
    keys = torch.cat([rows.keys(torch.Generator().manual_seed(seed)) for seed in range(40)])
    away = [abs(row - rows._other(row, seed)) for row, seed in keys.tolist()]
    assert (min(away), max(away)) == (1, reach)
    batch = rows.batch(keys[:5])
    drawn = [rows._other(row, seed) for row, seed in keys[:5].tolist()]
    texts = [ids[valid].tolist() for ids, valid in zip(batch["wrong"], batch["wrong_valid"], strict=True)]
    assert texts == [rows.second[i] for i in drawn]
    assert torch.equal(rows.batch(keys[:5])["wrong"], batch["wrong"])


def test_evaluation_has_no_wrong_texts_but_pairs_to_judge(tmp_path: Path) -> None:
    data = pairs_of(tmp_path, rows=3, wrong="near")
    assert "wrong" in next(iter(data.train_loader())) and "wrong" not in next(iter(data.eval_loader()))
    assert data.pairs("valid").tolist() == [[0, 0, 1], [1, 1, 1], [2, 2, 1], [0, 1, 0], [1, 2, 0], [2, 0, 0]]


def test_the_shipped_passages_have_their_own_list() -> None:
    data = Passages(0, length=64)
    sizes = {"valid": (145, 290), "test": (195, 390)}
    for split, (rows, pairs) in sizes.items():
        found = data.pairs(split)
        assert (len(data.rows(split)), len(found)) == (rows, pairs)
        first, second, same = found.unbind(1)
        assert torch.equal(first == second, same == 1) and int(same.sum()) * 2 == pairs
    assert data.about()["train_texts_cut"] == 2 * len(data.rows("train"))
    a, b = data.texts("test")
    assert len(a) == len(b) == 195 and a[0] != b[0]


def test_bible_in_two_languages() -> None:
    data = Passages(0, corpus="bible", length=64)
    assert data.columns == ("en", "es")
    a, b = data.texts("valid")
    assert a[0].startswith("Let all those") and b[0].startswith("Gócense")


def test_batches_go_on_in_mid_pass(tmp_path: Path) -> None:
    first, resumed = (pairs_of(tmp_path, wrong="any", batch_size=4).train_loader() for _ in range(2))
    taken = [next(batches) for batches in [iter(first)] for _ in range(7)]
    resumed.load_state_dict({"drawn": 6})
    again = next(iter(resumed))
    assert all(torch.equal(again[name], taken[6][name]) for name in again)


def test_texts_of_like_length_together(tmp_path: Path) -> None:
    data = pairs_of(tmp_path, batch_size=4, batching="bucketed", wrong="any")
    loader = data.train_loader()
    taken = [next(batches) for batches in [iter(loader)] for _ in range(len(loader))]
    # with so few rows the whole pass is sorted: four neighbours by length in each batch
    assert sorted(int(batch["rows"].min()) for batch in taken) == [0, 4, 8, 12, 16]
    assert all(int(batch["rows"].max() - batch["rows"].min()) == 3 for batch in taken)


def test_bad_files(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="there is one pair only"):
        pairs_of(tmp_path, rows=1).prepare()
    with pytest.raises(BadData, match="no column 'c'"):
        pairs_of(tmp_path, b="c").prepare()
    with pytest.raises(BadData, match=r"train.tsv:6: 'a' has 5 tokens, at most 4 fit"):
        pairs_of(tmp_path, length=5, too_long="refuse").prepare()


def test_new_inputs(tmp_path: Path) -> None:
    data = pairs_of(tmp_path)
    one, two = data.items("ab"), data.items("ab\ncd")
    assert (one.inputs, two.inputs) == (["ab"], ["ab"])
    assert "partner" not in one.rows.batch(one.rows.keys(None))
    assert two.rows.batch(two.rows.keys(None))["partner"].tolist() == [[BOS, *b"cd"]]
    (tmp_path / "new.txt").write_text("ab\n\ncd\n")
    assert data.items(tmp_path / "new.txt").inputs == ["ab", "cd"]
    table = data.items(tmp_path / "valid.tsv")
    assert len(table.rows) == 20 and "partner" in table.rows.batch(table.rows.keys(None))
