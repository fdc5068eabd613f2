"""`results`: trials and variants as tables for people and programs."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from sweep_folder import METRIC, begin, plan_of, write_json, write_sweep

from experiments.results.table import Table
from experiments.results.words import MISSING
from experiments.store import DATABASE
from experiments.training.folder_lock import only_one

Call = Callable[..., Result]

HEAVY = {"torch", "pytorch_lightning", "scipy", "pandas", "pyarrow", "plotly", "pydantic"}


@pytest.fixture
def sweep(own_folder: Path) -> Path:
    return write_sweep(Path("runs/attention"), seeds=(0, 1, 2), done=11)


def rows(result: Result) -> list[dict[str, str]]:
    assert result.exit_code == 0, result.output
    return list(csv.DictReader(io.StringIO(result.stdout)))


def test_a_row_for_each_trial(call: Call, sweep: Path) -> None:
    head, *lines = call("results", sweep).output.splitlines()
    columns = ["trial", "variant", "seed", "status", METRIC, "parameters", "train_seconds", "tokens_per_second"]
    assert head.split() == columns
    assert len(lines) == 12
    assert lines[0].split() == ["t0", "full", "/", "rotary", "0", "finished", "2", "1000", "8", "512"]
    assert lines[-1].split()[4:] == ["2", "pending", *[MISSING] * 4]
    assert not (sweep / DATABASE).exists()


def test_condition_columns_and_order(call: Call, sweep: Path) -> None:
    options = ("--where", "valid/loss > 2.05 and seed < 2", "--columns", "trial,valid/loss", "--format", "csv")
    found = rows(call("results", sweep, *options, "--sort", "-seed,valid/loss"))
    assert [row["trial"] for row in found] == ["t5", "t6", "t7", "t1", "t2", "t3"]
    assert list(found[0]) == ["trial", METRIC]
    assert len(rows(call("results", sweep, "--format", "csv"))[0]) > 20
    shown = call("results", sweep, "--columns", "all").output.splitlines()[0]
    assert "flops_per_token" in shown


def test_a_trial_at_work_is_in_it(call: Call, sweep: Path) -> None:
    begin(sweep, plan_of((0, 1, 2))["trials"][11], step=30)
    (row,) = rows(call("results", sweep, "--where", "status = 'running'", "--format", "csv"))
    assert (row["trial"], row["step"], row["max_steps"], row[METRIC]) == ("t11", "30", "40", "")


def test_means_over_seeds(call: Call, sweep: Path) -> None:
    found = rows(call("results", sweep, "--by", "variant", "--format", "csv"))
    assert [row["variant"] for row in found] == ["full / rotary", "full / alibi", "local / rotary", "local / alibi"]
    first, second, *_, last = found
    assert (first["rank"], first["n"], first[METRIC], first["verdict"]) == ("1", "3", "2.01", "baseline")
    # three values a hundredth apart: 4.3027 standard errors of 0.01 / sqrt(3)
    assert float(first[f"{METRIC} high"]) == pytest.approx(2.01 + 4.30265 * 0.01 / 3**0.5)
    assert float(second["difference"]) == pytest.approx(0.1)
    assert (last["n"], last["model.attention"], last["valid/accuracy"]) == ("2", "local", "0.5")
    seeds = rows(call("results", sweep, "--by", "variant", "--where", "seed = 0", "--format", "csv"))
    assert {row["n"] for row in seeds} == {"1"}
    shown = call("results", sweep, "--by", "variant", "--sort", "-rank").output.splitlines()
    assert shown[0].split()[:3] == ["rank", "variant", METRIC] and shown[1].startswith("4")


def test_curves(call: Call, sweep: Path) -> None:
    found = rows(call("results", sweep, "--curves", "--where", "trial = 't1'", "--format", "csv"))
    assert [(row["trial"], row["name"], row["step"], row["value"]) for row in found] == [
        ("t1", "train/loss", str(step), str(4 - step / 20)) for step in (10, 20, 30, 40)
    ]
    refused = call("results", sweep, "--curves", "--by", "variant")
    assert refused.exit_code == 2 and "leave out --by variant" in refused.stderr


def test_formats_by_the_ending_of_the_file(call: Call, sweep: Path) -> None:
    for name, start in (
        ("a.csv", "trial,variant,"),
        ("a.md", "| trial | variant |"),
        ("a.json", "[\n {\n"),
        ("a.txt", "trial "),
    ):
        result = call("results", sweep, "-o", name)
        assert (result.exit_code, result.stdout) == (0, f"{name}: 12 rows\n")
        assert Path(name).read_text().startswith(start)
    assert call("results", sweep, "-o", "a.csv").exit_code == 2
    assert call("results", sweep, "-o", "a.csv", "--force").exit_code == 0
    assert len(json.loads(Path("a.json").read_text())) == 12
    call("results", sweep, "-o", "table.tex", "--by", "variant")
    table = Path("table.tex").read_text()
    assert r"\toprule" in table and "valid/loss low & " in table and r"1 & full / rotary & 2.01 & " in table


def test_parquet(call: Call, sweep: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    assert call("results", sweep, "-o", "a.parquet").output == "a.parquet: 12 rows\n"
    found = parquet.read_table("a.parquet").to_pydict()
    assert found["trial"][0] == "t0" and found[METRIC][0] == 2.0 and found[METRIC][-1] is None
    assert call("results", sweep, "-o", "a.parquet").exit_code == 2
    refused = call("results", sweep, "--format", "parquet")
    assert refused.exit_code == 2 and "-o" in refused.stderr
    empty = call("results", sweep, "--where", "seed = 9", "-o", "empty.parquet")
    assert empty.exit_code == 0 and parquet.read_table("empty.parquet").num_rows == 0


def test_parquet_without_its_extra(call: Call, sweep: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    refused = call("results", sweep, "-o", "a.parquet")
    assert (refused.exit_code, refused.stderr) == (
        2,
        "Parquet needs the extra `data`: pip install 'swapformer[data]'\n",
    )
    assert not list(Path().glob("*.parquet"))


def test_what_others_wrote_is_harmless(call: Call, own_folder: Path) -> None:
    evil = '=cmd|" /C calc"!A0 \x1b[31m<script>& 100% $x_1$ {y} ~^\\ | \u202e'
    folder = write_sweep(own_folder / "sweep", done=0)
    plan = json.loads((folder / "plan.json").read_text())
    plan["variants"] = [{"label": evil, "values": {evil: evil}}]
    plan["axes"] = {evil: [evil]}
    plan["trials"] = [{"id": "t0", "variant": evil, "seed": 0}]
    write_json(folder / "plan.json", plan)
    for form in ("table", "csv", "md", "latex", "json"):
        output = call("results", folder, "--format", form, "--columns", f"trial,variant,{evil}").output
        assert "\x1b" not in output and "\u202e" not in output, form
    (row,) = rows(call("results", folder, "--format", "csv"))
    assert row["variant"].startswith("'=cmd|")
    latex = call("results", folder, "--format", "latex").output
    assert r"\& 100\% \$x\_1\$ \{y\} \textasciitilde{}\textasciicircum{}\textbackslash{} \textbar{}" in latex
    assert r"\textless{}script\textgreater{}" in latex
    assert "&lt;script&gt;&amp;" in call("results", folder, "--format", "md").output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--where", "valid/los < 2"], "--where: there is no column 'valid/los'. Did you mean 'valid/loss'?"),
        (["--columns", "trial,sed"], "there is no column 'sed'. Did you mean 'seed'?"),
        (["--sort", "-sed"], "there is no column 'sed'. Did you mean 'seed'?"),
    ],
)
def test_mistakes_are_one_line(call: Call, sweep: Path, arguments: list[str], words: str) -> None:
    result = call("results", sweep, *arguments)
    assert (result.exit_code, result.stderr) == (2, f"{words}\n")


def test_folders_without_results(call: Call, own_folder: Path) -> None:
    assert call("results", "nowhere").stderr == "nowhere is not a folder\n"
    assert "holds no results" in call("results", ".").stderr
    assert call("results", "nowhere", "--rebuild").exit_code == 2
    assert call("results", ".", "--rebuild").stderr.startswith(". is no sweep")


def test_rebuild_leaves_a_running_sweep_alone(call: Call, sweep: Path) -> None:
    with only_one(sweep, "held by the test"):
        refused = call("results", sweep, "--rebuild")
        assert refused.exit_code == 4
        assert f"a sweep is running here and keeps {DATABASE} itself" in refused.stderr
        assert not (sweep / DATABASE).exists()
        assert call("results", sweep).exit_code == 0
    assert call("results", sweep, "--rebuild").exit_code == 0
    assert (sweep / DATABASE).exists()


def test_numbers_sort_as_numbers_and_gaps_come_last() -> None:
    table = Table(("a", "-b"), ((10, "x"), (9, None), (None, "y"), (-1.5, "x")))
    assert [row[0] for row in table.ordered(["a"]).rows] == [-1.5, 9, 10, None]
    assert [row[0] for row in table.ordered(["-a"]).rows] == [10, 9, -1.5, None]
    assert [row[1] for row in table.ordered(["-b", "a"]).rows] == ["x", "x", "y", None]


@pytest.mark.parametrize("command", [["results"], ["status"], ["results", "--format", "json", "--sort", "seed"]])
def test_it_starts_without_torch(command: list[str], sweep: Path) -> None:
    code = (
        "import sys\nfrom experiments.cli.main import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        f"heavy = {HEAVY} & set(sys.modules)\nassert not heavy, heavy"
    )
    arguments = [command[0], str(sweep), *command[1:]]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
