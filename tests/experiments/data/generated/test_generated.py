"""What holds for all data that are made by rule."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from experiments.data import BadData
from experiments.data.generated import Addition, Copy, Parity, Regression
from experiments.data.generated.dice import Dice
from experiments.data.loader import rows_of, seeded
from registry.catalog import Catalog

from .every import SMALL, batch_of, equal

KINDS = pytest.mark.parametrize("kind", SMALL)


def test_no_kind_is_left_out() -> None:
    made = {e["kind"] for e in Catalog.load().of("data") if e["module"].startswith("experiments.data.generated.")}
    assert made - {"pixels"} == {name.split()[0] for name in SMALL}


@KINDS
def test_batches_follow_from_the_seed_alone(kind: str) -> None:
    data, again = SMALL[kind](), SMALL[kind]()
    one, other = iter(data.train_loader()), iter(again.train_loader())
    for _ in range(3):
        assert equal(next(one), next(other))
    again.seed = 1
    assert not equal(next(iter(data.train_loader())), next(iter(again.train_loader())))


@KINDS
def test_goes_on_in_the_middle_of_a_pass(kind: str) -> None:
    through, stopped = SMALL[kind]().train_loader(), SMALL[kind]().train_loader()
    batches = iter(through)
    wanted = [next(batches) for _ in range(5)][-1]
    stopped.load_state_dict({"drawn": 4, "digest": ""})
    assert equal(next(iter(stopped)), wanted)


@KINDS
def test_no_row_comes_again_in_the_next_pass(kind: str) -> None:
    data = SMALL[kind]()
    rows = data.rows("train")
    dice = torch.Generator().manual_seed(0)
    seeds = torch.cat([rows.keys(dice)[:, 1], rows.keys(dice)[:, 1]])
    assert len(seeds.unique()) == 2 * len(rows)


@KINDS
def test_evaluation_is_the_same_each_time_and_of_other_rows_in_each_split(kind: str) -> None:
    data = SMALL[kind]()
    data.seed = 5
    first = {split: batch_of(data, split, 10) for split in ("valid", "test")}
    for split, batch in first.items():
        assert len(data.rows(split)) == 10
        assert equal(batch, batch_of(SMALL[kind](), split, 10))
    assert not equal(first["valid"], first["test"])
    from_the_same_seeds = data.rows("train").batch(seeded(torch.arange(10), None))
    assert not equal(first["valid"], from_the_same_seeds)


@KINDS
def test_a_row_is_the_same_in_any_batch(kind: str) -> None:
    rows = SMALL[kind]().rows("valid")
    keys = rows.keys(None)
    together, alone = rows.batch(keys), rows.batch(keys[3:4])
    for name, tensor in alone.items():
        wide = together[name][3:4]
        # what only fills up depends on the batch
        assert torch.equal(wide[:, : tensor.shape[1]] if tensor.dim() > 1 else wide, tensor)


@KINDS
def test_what_is_told_about_it_is_so(kind: str) -> None:
    data = SMALL[kind]()
    batch = next(iter(data.train_loader()))
    assert rows_of(batch) == 6
    assert data.about()["about"].startswith("generated: ")
    assert data.fingerprint() == SMALL[kind]().fingerprint()
    if data.vocab is None:
        assert batch["tokens"].is_floating_point()
        assert data.length is None
    else:
        assert 0 <= int(batch["tokens"].min()) <= int(batch["tokens"].max()) < data.vocab
        assert data.length is not None
        assert batch["tokens"].shape[1] <= data.length
    if "labels" in batch:
        assert data.classes == len(data.class_names)
        assert int(batch["labels"].max()) < data.classes
    else:
        assert batch["scored"].shape == batch["targets"].shape == batch["tokens"].shape[:2]
        assert bool(batch["scored"].any(1).all())


def test_the_most_frequent_answer_is_told() -> None:
    data = Addition(0, digits=2, held_out=30)
    batch = batch_of(data, "valid", 30)
    asked = batch["targets"][batch["scored"]].tolist()
    [reference] = data.references()
    assert reference.metric == "valid/accuracy"
    assert reference.value == pytest.approx(max(map(asked.count, asked)) / len(asked))
    [of_test] = data.chance("test")
    assert of_test.metric == "test/accuracy"
    labels = batch_of(SMALL["pathfinder"](), "valid", 10)["labels"].tolist()
    assert SMALL["pathfinder"]().references()[0].value == max(map(labels.count, labels)) / 10


def test_another_option_is_another_fingerprint() -> None:
    assert Copy(0, symbols=4).fingerprint() != Copy(0, symbols=5).fingerprint()
    assert Parity(0, length=4).fingerprint() != Parity(0, length=4, test_length=8).fingerprint()
    assert Regression(0, noise=0.1).fingerprint() != Regression(0).fingerprint()


def test_new_inputs(tmp_path: Path) -> None:
    items = Addition(0).items("1 2 + 3 4 =")
    batch = items.rows.batch(items.rows.keys(None))
    assert batch["tokens"].tolist() == [[1, 2, 10, 3, 4, 11]]
    (tmp_path / "rows.txt").write_text("1 + 2 =\n1 1 + 2 2 =\n")
    items = Addition(0).items(tmp_path / "rows.txt")
    assert items.inputs == ["1 + 2 =", "1 1 + 2 2 ="]
    assert items.rows.batch(torch.arange(2))["valid"].sum(1).tolist() == [4, 6]
    (tmp_path / "rows.txt").write_text("1 + 2 =\n1 - 2 =\n")
    with pytest.raises(BadData, match=r"rows.txt:2: '-' is no symbol of these data: 0 1 2"):
        Addition(0).items(tmp_path / "rows.txt")
    with pytest.raises(BadData, match="an empty row"):
        Addition(0).items(" ")


def test_dice_are_even() -> None:
    dice = Dice(range(4000), 0)
    counts = torch.bincount(torch.from_numpy(dice.whole(5, 1).ravel()), minlength=5)
    assert ((counts / 4000 - 0.2).abs() < 0.03).all()
    assert dice.between(2, 4, 50).min() == 2
    assert dice.between(2, 4, 50).max() == 4


def test_dice_choose_by_shares_one_after_the_other() -> None:
    shares = torch.tensor([0.5, 0.3, 0.2])
    pairs = torch.from_numpy(Dice(range(20000), 0).chosen(3, 2, shares.numpy()))
    for first in range(3):
        for second in range(3):
            found = float(((pairs[:, 0] == first) & (pairs[:, 1] == second)).float().mean())
            right = float(shares[first] * shares[second] / (1 - shares[first])) if first != second else 0.0
            assert found == pytest.approx(right, abs=0.015)
