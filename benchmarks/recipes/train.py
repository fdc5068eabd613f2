"""Train a recipe as a user would, by `swapformer sweep`, and collect what came out of it."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.recipes.outcome import Outcome, Trained
from benchmarks.recipes.row import Row
from experiments.making import make_data
from experiments.results import read_results
from experiments.results.origin import Origin
from experiments.results.plan import Reference
from registry.load import Loaded, load

SEEDS = 3
MADE = ("git_commit", "git_dirty", "torch", "swapformer", "python", "cpu", "threads")
CALL = "from experiments.cli.main import main; main()"


class RecipeFailed(RuntimeError):
    """A sweep that did not come to its end; what it trained is kept, and the same call goes on with it."""


def train(row: Row, runs: Path, specs: Path, settings: Sequence[str] = ()) -> Path:
    """Train every seed of every variant that is not trained yet. Returns the sweep's folder. Raises RecipeFailed.

    specs: the folder that the names of recipes are in. settings: on top of the spec, for tests.
    """
    loaded = _loaded(row, specs)
    out = runs / Path(row.spec).parent
    words = [str(specs / f"{row.spec}.yaml"), *settings]
    if loaded.full["sweep"] is None:
        words.append(f"sweep.seeds={SEEDS}")
    done = subprocess.run([sys.executable, "-c", CALL, "sweep", *words, "--out", str(out)], check=False)
    if done.returncode:
        raise RecipeFailed(f"{row.spec}: swapformer sweep ended with exit code {done.returncode}")
    return out / (loaded.full["name"] or Path(row.spec).stem)


def collect(row: Row, folder: Path, specs: Path) -> Outcome:
    """The test metrics of every trial, what the data are, and what simpler means come to on them.

    Raises RecipeFailed where a variant has no test result.
    """
    results = read_results(folder, curves=False)
    variants = []
    for found in results.ranking:
        values = {metric: results.by_seed(found.label, metric) for metric in (row.metric, *row.also)}
        if not values[row.metric]:
            raise RecipeFailed(f"{row.spec}: variant '{found.label}' has no {row.metric} {found.lost}")
        by_seed = {metric: {str(seed): v for seed, v in sorted(seeds.items())} for metric, seeds in values.items()}
        costs = (found.parameters, found.train_seconds, found.tokens_per_second, found.peak_memory_mb)
        variants.append(Trained(found.label, by_seed, *costs, found.lost))
    loaded = _loaded(row, specs)
    data = make_data(loaded.full, loaded.catalog)
    return Outcome(
        row.spec,
        str(data.about()["about"]),
        data.positions(loaded.full["model"]),
        tuple(variants),
        tuple(baselines(row)),
        _made([trial.origin for trial in results.compared]),
    )


def _made(origins: Sequence[Origin]) -> dict[str, str]:
    """What the trials were trained by and on, and when: where they differ, all that there was."""
    known = {name: dict.fromkeys(o.environment[name] for o in origins if name in o.environment) for name in MADE}
    dates = sorted({origin.ended[:10] for origin in origins if origin.ended})
    return {name: ", ".join(found) for name, found in known.items() if found} | {"date": ", ".join(dates)}


def baselines(row: Row) -> list[Reference]:
    """What the functions that a row names come to, all of them test metrics. Raises ValueError for another one."""
    found: list[Reference] = []
    for name in row.baselines:
        made = baseline_function(name)()
        if strange := [r.metric for r in made if not r.metric.startswith("test/")]:
            raise ValueError(f"baseline {name} returns {strange[0]}, a row compares metrics of the test split")
        found += made
    return found


def baseline_function(name: str) -> Callable[[], Sequence[Reference]]:
    """The function that a row names: "language.xz" is `xz` in baselines/language.py."""
    module, _, function = name.rpartition(".")
    found: Callable[[], Sequence[Reference]] = getattr(
        importlib.import_module(f"benchmarks.recipes.baselines.{module}"), function
    )
    return found


def _loaded(row: Row, specs: Path) -> Loaded:
    return load(specs / f"{row.spec}.yaml")
