"""The table of recipes: which rows are trained, what is held against which bar, what the page says."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click
import pytest

from benchmarks.recipes.__main__ import chosen
from benchmarks.recipes.judged import against_claims, judged
from benchmarks.recipes.outcome import Outcome, Trained, read_outcomes, write_outcomes
from benchmarks.recipes.page import page
from benchmarks.recipes.row import Claim, Row, above, at_least, at_most, below
from benchmarks.recipes.train import RecipeFailed, baselines, collect, train
from experiments.results.plan import Reference

ROW = Row("Reading", "A system", "recipes/reading", "test/accuracy", at_least(0.7), baselines=("topic.name",))


def variant(label: str, *values: float) -> Trained:
    return Trained(
        label, {"test/accuracy": {str(seed): v for seed, v in enumerate(values)}}, 1000.0, 12.0, 9500.0, 410.0
    )


OUTCOME = Outcome(
    "recipes/reading",
    "some text",
    64,
    (variant("full", 0.8, 0.9, 0.85), variant("linear", 0.5, 0.52, 0.51)),
    (Reference("majority", "test/accuracy", 0.25, "the most frequent class"), Reference("other", "test/loss", 1.0)),
    {"git_commit": "0123456789abcdef", "torch": "2.13", "cpu": "A CPU", "date": "2026-01-01"},
)


@pytest.mark.parametrize(
    ("bar", "held"),
    [
        (at_least(0.85), [True]),
        (above(0.85), [False]),
        (at_most(0.85), [True]),
        (below(0.85), [False]),
        (at_least(0.86, within=0.02), [True]),
        (at_most(0.84, within=0.02), [True]),
        (above("majority", "linear", 0.9), [True, True, False]),
        (above("majority", "nothing of that name"), [True, None]),
        # a reference of another metric is none
        (above("other"), [None]),
    ],
)
def test_the_median_of_the_named_variant_is_held_against_every_target(bar: object, held: list[bool | None]) -> None:
    row = dataclasses.replace(ROW, bar=bar, variant="full")
    assert [found.held for found in judged(row, OUTCOME)] == held


def test_without_a_name_there_has_to_be_one_variant() -> None:
    assert judged(ROW, OUTCOME) == []
    assert [found.held for found in judged(ROW, dataclasses.replace(OUTCOME, variants=OUTCOME.variants[:1]))] == [True]


def test_claims_are_tested_over_the_seeds_that_both_have() -> None:
    claims = (Claim("full", "linear", "A paper"), Claim("linear", "full", "Another"), Claim("full", "gone", "A third"))
    found = against_claims(dataclasses.replace(ROW, claims=claims), OUTCOME, "maximize")
    assert [entry.verdict.split(",")[0] for entry in found] == ["better", "worse", "not trained"]
    assert [(entry.better, entry.worse) for entry in found] == [(0.85, 0.51), (0.51, 0.85), (0.85, None)]


def test_outcomes_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "docs" / "results.json"
    assert read_outcomes(path) == {}
    write_outcomes(path, {"recipes/reading": OUTCOME})
    assert read_outcomes(path) == {"recipes/reading": OUTCOME}


def test_the_page_shows_results_baselines_and_the_bar() -> None:
    row = dataclasses.replace(ROW, variant="full", bar=above("majority", 0.9), larger="More layers.")
    text = page([row, dataclasses.replace(ROW, title="Later", spec="recipes/later")], {"recipes/reading": OUTCOME})
    assert "| **full** | 0.8500 [0.7258, 0.9742] | 1k | 12 s | 3 |" in text
    assert "| majority | 0.2500 |" in text
    assert "accuracy above majority (0.2500): holds; above 0.9000: **missed**" in text
    assert "**missed** |" in text.split("## Recipes")[0]
    assert "Larger: More layers." in text and "commit 0123456789, torch 2.13, A CPU, 2026-01-01" in text
    assert "[Later](#later) | A system | not trained yet" in text


def test_claims_stand_in_a_table_of_their_own() -> None:
    row = dataclasses.replace(ROW, bar=None, group="diagnostics", claims=(Claim("full", "linear", "A paper"),))
    text = page([row], {"recipes/reading": OUTCOME})
    assert "| [Reading](#reading) | full better than linear | A paper | accuracy | 0.8500 | 0.5100 | better |" in text
    assert "1 of 1 claims" in text


def test_where_length_is_what_it_is_about_its_cost_stands_there() -> None:
    text = page([dataclasses.replace(ROW, group="long range")], {"recipes/reading": OUTCOME})
    assert "|  | accuracy | parameters | a run | tokens/s | memory | seeds |" in text
    assert "| full | 0.8500 [0.7258, 0.9742] | 1k | 12 s | 9.5k | 410 MB | 3 |" in text


def test_what_a_row_starts_from_is_trained_before_it() -> None:
    first, second = (Row(name, "", f"recipes/{name}", "test/loss") for name in ("base", "tuned"))
    second = dataclasses.replace(second, after=("recipes/base",))
    assert [row.title for row in chosen(["tuned"], [second, first])] == ["base", "tuned"]
    assert [row.title for row in chosen([], [second, first])] == ["base", "tuned"]
    assert [row.title for row in chosen(["recipes/base"], [second, first])] == ["base"]
    with pytest.raises(click.UsageError, match=r"there is no recipe 'tunet'\. Did you mean 'tuned'"):
        chosen(["tunet"], [second, first])
    with pytest.raises(click.UsageError, match="recipes/tuned: there is no recipe 'recipes/base'"):
        chosen(["tuned"], [second])


def test_a_baseline_is_of_the_test_split(monkeypatch: pytest.MonkeyPatch) -> None:
    import benchmarks.recipes.train as module

    monkeypatch.setattr(module, "baseline_function", lambda name: lambda: [Reference("unigram", "valid/loss", 1.0)])
    with pytest.raises(ValueError, match=r"baseline topic\.name returns valid/loss"):
        baselines(ROW)


SPEC = """\
name: small
model: {topology: encoder, dim: 8, layers: 1, heads: 2, head: classification}
data: {kind: labelled_text, length: 16, batch_size: 4}
task: classification
trainer: {max_steps: 2, limit_val_batches: 1, limit_test_batches: 1}
metric: {name: valid/accuracy, goal: maximize}
"""


@pytest.mark.slow
def test_a_recipe_is_trained_with_three_seeds_and_collected(tmp_path: Path) -> None:
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "small.yaml").write_text(SPEC)
    row = Row("Small", "", "recipes/small", "test/accuracy", also=("test/loss",))
    folder = train(row, tmp_path / "runs", tmp_path)
    assert folder == tmp_path / "runs" / "recipes" / "small"
    done = collect(row, folder, tmp_path)
    (found,) = done.variants
    assert set(found.values["test/accuracy"]) == set(found.values["test/loss"]) == {"0", "1", "2"}
    assert found.parameters and done.length == 16 and done.made["threads"] == "1"
    with pytest.raises(RecipeFailed, match="has no test/bleu"):
        collect(dataclasses.replace(row, metric="test/bleu"), folder, tmp_path)
    (tmp_path / "recipes" / "small.yaml").write_text(
        SPEC.replace("length: 16", "train: none.tsv, valid: none.tsv, length: 16")
    )
    with pytest.raises(RecipeFailed, match="ended with exit code 2"):
        train(row, tmp_path / "other", tmp_path)
