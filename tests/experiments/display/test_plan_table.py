"""The plan of a sweep in the terminal."""

from __future__ import annotations

import io
from dataclasses import replace

from rich.cells import cell_len
from rich.console import Console

from experiments.display import show_plan
from experiments.results.plan import (
    BudgetFacts,
    Caveat,
    Held,
    LeftOut,
    Metric,
    Override,
    Plan,
    TuningFacts,
    Variant,
)

PLAN = Plan(
    name="widths",
    metric=Metric("test/loss"),
    axes={"model.dim": ("16", "32"), "model.norm": ("layer", "rms")},
    baseline={"model.dim": "16", "model.norm": "rms"},
    baseline_label="16 / rms",
    seeds=(0, 1, 2),
    variants=(
        Variant("16 / rms", held=Held("model.feedforward.hidden", 64, 1000.0, 1000.0)),
        Variant("32 / rms", held=Held("model.feedforward.hidden", 24, 993.0, 1000.0)),
        Variant("odd"),
    ),
    left_out=(LeftOut("32 / layer", {}, "it cannot work"),),
    caveats=(Caveat("looks ahead", ("odd",)),),
    budget=BudgetFacts("parameters", "model.feedforward.hidden", 1000.0, 0.01),
    overrides=(Override({"model.dim": "32"}, {"optimizer.lr": "0.1"}, ("32 / rms",)),),
    tuning=TuningFacts("tpe", "valid/loss", {"schedule.warmup": "1 to 9, whole numbers"}, 8, seeds=2),
    scaling="model.dim",
)


def shown(plan: Plan) -> str:
    out = io.StringIO()
    show_plan(plan, Console(file=out, width=80, force_terminal=False, markup=False, highlight=False))
    text = out.getvalue()
    assert max(cell_len(line) for line in text.splitlines()) <= 80
    return text


def test_it_tells_all_of_a_plan() -> None:
    lines = [" ".join(line.split()) for line in shown(PLAN).splitlines()]
    assert "widths: 9 trials: 3 variants x 3 seeds, after 24 tries" in lines
    assert "ranked by test/loss, lower is better" in lines
    assert "tuned before: 8 tries (tpe) with 2 seeds each for each variant, the best by" in lines
    assert "schedule.warmup: 1 to 9, whole numbers" in lines
    assert "model.dim (the size) 16 (baseline), 32" in lines
    assert "where model.dim = 32: optimizer.lr = 0.1 (1 variant)" in lines
    assert "held equal: 1k parameters, by model.feedforward.hidden, to within 1%" in lines
    assert "16 / rms 64 1k exact" in lines
    assert "32 / rms 24 993 \N{MINUS SIGN}0.70%" in lines
    assert "odd \N{EN DASH} \N{EN DASH} \N{EN DASH}" in lines
    assert "1 combination left out" in lines
    assert "32 / layer it cannot work" in lines
    assert "note on odd: looks ahead" in lines


def test_seeds_that_are_added_as_they_are_needed() -> None:
    text = shown(replace(PLAN, most_seeds=12, tuning=None))
    assert "at least 9 trials: 3 variants x 3 to 12 seeds, as many as it takes" in " ".join(text.split())


def test_a_baseline_by_name_is_named() -> None:
    text = shown(replace(PLAN, baseline={"model.dim": "", "model.norm": ""}, baseline_label="odd"))
    assert "baseline: odd" in text and "(baseline)" not in text
    assert "baseline: " not in shown(PLAN)


def test_what_a_user_wrote_is_no_markup_and_no_escape() -> None:
    evil = "\x1b[2J\u202e[bold]x[/bold]" + "y" * 200
    text = shown(
        replace(
            PLAN,
            name=evil,
            axes={evil: (evil,)},
            overrides=(Override({evil: evil}, {evil: evil}, (evil,)),),
            tuning=TuningFacts(evil, evil, {evil: evil}, 2),
            baseline_label=evil,
            variants=(Variant(evil, held=Held(evil, 1, 2, 3)),),
            left_out=(LeftOut(evil, {}, evil),),
        )
    )
    assert "\x1b" not in text and "\u202e" not in text and "[bold]x[/bold]" in text
