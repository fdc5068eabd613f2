"""Reading sweep folders: whole, partial, damaged and hostile ones."""

import json
import math
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.results import Reference, ResultsError, VariantResult, headline, read_results
from experiments.results.trial import read_curves

METRIC = "valid/bits_per_byte"


def trial_folders(sweep: Path, status: str) -> list[Path]:
    found = [path.parent for path in (sweep / "trials").glob("*/state.json")]
    return sorted(path for path in found if json.loads((path / "state.json").read_text())["status"] == status)


def test_whole_sweep(sweep: Path) -> None:
    results = read_results(sweep)
    assert results.problems == ()
    assert len(results.plan.variants) == 16
    assert len(results.plan.left_out) == 8
    assert results.counts == {"finished": 30, "failed": 1, "diverged": 1}
    assert [row.rank for row in results.ranking] == list(range(1, 17))
    means = [row.estimate.mean for row in results.ranked if row.estimate]
    assert means == sorted(means)
    assert {trial.status for trial in results.failures} == {"failed", "diverged"}
    assert all(trial.reason for trial in results.failures)


def test_aggregates_equal_the_files(sweep: Path) -> None:
    results = read_results(sweep)
    for row in results.ranked:
        summaries = [sweep / "trials" / trial.id / "summary.json" for trial in row.trials]
        raw = [json.loads(path.read_text()) for path in summaries if path.exists()]
        assert row.estimate is not None
        assert row.estimate.n == len(raw)
        assert row.estimate.mean == pytest.approx(statistics.fmean(entry["metrics"][METRIC] for entry in raw))
        assert row.tokens_per_second == pytest.approx(statistics.fmean(entry["tokens_per_second"] for entry in raw))
    best = min(value for trial in results.trials if (value := trial.value(METRIC)) is not None)
    assert results.best_trial is not None
    assert results.best_trial.value(METRIC) == best


def test_baseline_and_references_in_their_places(make_sweep: Callable[..., Path]) -> None:
    folder = make_sweep(seeds=(0, 1, 2, 3, 4))
    plan = json.loads((folder / "plan.json").read_text())
    plan["references"][0]["value"] = 2.45
    (folder / "plan.json").write_text(json.dumps(plan))
    results = read_results(folder)
    assert results.baseline is not None
    assert results.baseline.label == "full / sinusoidal / pre"
    assert results.baseline.difference is None
    verdicts = {row.label: row.difference.verdict("minimize") for row in results.ranking if row.difference}
    assert len(verdicts) == 15
    assert verdicts["full / rotary / pre"] == "better"
    assert verdicts["linformer / sinusoidal / post"] == "worse"
    values = [
        row.value if isinstance(row, Reference) else row.estimate.mean if row.estimate else float("nan")
        for row in results.rows
    ]
    assert values == sorted(values)
    assert len(values) == 17


def test_goal_maximize_turns_the_order(sweep: Path) -> None:
    plan = json.loads((sweep / "plan.json").read_text())
    minimized = [row.label for row in read_results(sweep).ranked]
    plan["metric"]["goal"] = "maximize"
    (sweep / "plan.json").write_text(json.dumps(plan))
    assert [row.label for row in read_results(sweep).ranked] == minimized[::-1]


def test_nothing_trained_yet(make_sweep: Callable[..., Path]) -> None:
    results = read_results(make_sweep(train=False))
    assert results.counts == {"pending": 32}
    assert results.ranked == ()
    assert results.best_trial is None
    assert headline(results) == "No trial has finished yet (32 pending): nothing can be ranked."


def test_headline_is_honest(make_sweep: Callable[..., Path]) -> None:
    two = headline(read_results(make_sweep()))
    assert "ranks first on validation bits per byte" in two
    assert "nothing can be told from the baseline full / sinusoidal / pre" in two
    assert two.endswith("with 2 seeds: a verdict needs at least 3.")
    one = headline(read_results(make_sweep("one", seeds=(0,))))
    assert "one seed, so no interval" in one
    assert one.endswith("with 1 seed: a verdict needs at least 3.")


def test_headline_of_a_clear_winner(make_sweep: Callable[..., Path]) -> None:
    folder = make_sweep(seeds=(0, 1, 2, 3, 4))
    winner = read_results(folder).ranked[0]
    for trial in winner.trials:
        path = trial.folder / "summary.json"
        raw = json.loads(path.read_text())
        raw["metrics"][METRIC] = 1.0 + 0.001 * trial.seed
        path.write_text(json.dumps(raw))
    found = headline(read_results(folder))
    assert found.startswith(f"{winner.label} is better than the baseline full / sinusoidal / pre: 1.00 against 2.3")
    assert "corrected for 15 comparisons" in found


def test_damaged_files_are_listed_and_survived(sweep: Path) -> None:
    broken, torn, gone, nan = trial_folders(sweep, "finished")[:4]
    (broken / "summary.json").write_bytes(b'{"status": "finis')
    (torn / "state.json").write_bytes(b"\xff\xfe[]")
    (gone / "summary.json").unlink()
    (nan / "summary.json").write_text('{"status": "finished", "metrics": {"valid/bits_per_byte": NaN}}')
    results = read_results(sweep)
    by_id = {trial.id: trial for trial in results.trials}
    assert by_id[broken.name].status == "interrupted"
    assert "no readable summary" in by_id[broken.name].reason
    assert by_id[gone.name].status == "interrupted"
    # The summary is the commit point: a torn state file does not undo it.
    assert by_id[torn.name].status == "finished"
    assert by_id[nan.name].value(METRIC) is None
    listed = "\n".join(results.problems)
    assert broken.name in listed
    assert torn.name in listed
    assert "summary.json cannot be read" in listed


def test_plan_missing_or_corrupt(sweep: Path) -> None:
    (sweep / "plan.json").write_text("{")
    results = read_results(sweep)
    assert any("plan.json" in problem for problem in results.problems)
    assert len(results.trials) == 32
    assert results.plan.metric.name == METRIC
    (sweep / "plan.json").unlink()
    assert len(read_results(sweep).ranked) == 30


@pytest.mark.parametrize(
    "raw", [{}, {"axes": 3, "variants": [1, {}], "trials": {"id": 1}, "metric": []}, {"seeds": "x"}]
)
def test_plans_of_the_wrong_shape_are_survived(tmp_path: Path, raw: dict[str, object]) -> None:
    (tmp_path / "plan.json").write_text(json.dumps(raw))
    results = read_results(tmp_path)
    assert results.trials == ()
    assert "metric" in results.problems[0]


def test_trial_of_an_unlisted_variant_is_still_shown(sweep: Path) -> None:
    plan = json.loads((sweep / "plan.json").read_text())
    dropped = plan["variants"].pop(0)["label"]
    (sweep / "plan.json").write_text(json.dumps(plan))
    results = read_results(sweep)
    assert dropped in [row.label for row in results.ranked]
    assert dropped in results.problems[0]


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="is not a folder"):
        read_results(tmp_path / "nowhere")
    with pytest.raises(ResultsError, match="holds no results"):
        read_results(tmp_path)
    (tmp_path / "plan.json").write_text('{"schema_version": 3}')
    with pytest.raises(ResultsError, match="schema version 3; this program reads version 2"):
        read_results(tmp_path)


def test_trial_ids_cannot_leave_the_folder(sweep: Path) -> None:
    plan = json.loads((sweep / "plan.json").read_text())
    plan["trials"][0]["id"] = "../../elsewhere"
    (sweep / "plan.json").write_text(json.dumps(plan))
    results = read_results(sweep)
    assert results.trials[0].status == "failed"
    assert any("is not a folder name" in line for line in results.problems)


def test_folder_of_one_trial(sweep: Path) -> None:
    folder = trial_folders(sweep, "finished")[0]
    results = read_results(folder)
    assert len(results.ranked) == 1
    assert isinstance(results.rows[0], VariantResult)
    assert headline(results).startswith(f"{folder.name} reached validation bits per byte")


def test_curves(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text(
        "step,epoch,seconds,name,value\n10,0,1.0,train/loss,3.0\n20,0,2.0,train/loss,2.5\n"
        "step,epoch,seconds,name,value\n20,0,2.2,train/loss,2.4\n30,0,,train/loss,nan\nrubbish\n40,0,4.0,train/loss,1."
    )
    problems: list[str] = []
    curve = read_curves(path, problems)["train/loss"]
    # The repeated header is skipped, the step logged again counts as logged last, the torn last line is ignored.
    assert curve.steps == (10, 20, 30)
    assert curve.values[:2] == (3.0, 2.4)
    assert math.isnan(curve.values[2])
    assert problems == ["metrics.csv has 1 unreadable line"]
    assert read_curves(tmp_path / "none.csv", problems) == {}


def test_reading_imports_nothing_heavy() -> None:
    code = (
        "import sys, experiments.results, experiments.report\n"
        "heavy = {'torch', 'lightning', 'plotly', 'jinja2', 'scipy', 'numpy', 'rich', 'blocks'} & set(sys.modules)\n"
        "sys.exit(','.join(sorted(heavy)) or 0)"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_trial_stopped_before_it_had_a_state_is_pending(sweep: Path) -> None:
    folder = trial_folders(sweep, "finished")[0]
    for path in folder.iterdir():
        if path.is_file():
            path.unlink()
    results = read_results(sweep)
    (trial,) = (trial for trial in results.trials if trial.id == folder.name)
    assert (trial.status, trial.reason) == ("pending", "")
    assert results.problems == ()
