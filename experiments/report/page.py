"""The page: everything that the template shows, and the policy that says which scripts may run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from experiments.report.attention import AttentionMaps
from experiments.report.bands import X_AXES
from experiments.report.bars import HEIGHT, WIDTH, metric_bars
from experiments.report.cost_charts import cost_charts
from experiments.report.curve_charts import curve_panels
from experiments.report.effects_tables import effect_tables
from experiments.report.figure import CONFIG, Chart, embedded
from experiments.report.findings import Findings
from experiments.report.forest_chart import forest_chart
from experiments.report.heat import heat_tables, short
from experiments.report.look import FILLS, SIGNS, Look, look_of
from experiments.report.numbers import numbers
from experiments.report.policy import policy
from experiments.report.profile_charts import order, profile_view
from experiments.report.scaling_charts import TITLES, exponents, scaling_charts
from experiments.report.tuning import settings, tuning
from experiments.report.variants import sections
from experiments.results import Reference, SweepResults, VariantResult
from experiments.results import words as words_module
from experiments.results.fair import held_equal, unequal
from experiments.results.headline import conditions, metric_decimals, verdict
from experiments.results.plan import metric_label
from experiments.results.profile import QUANTITIES

# Plotly writes its own rules into an empty style element while it runs; nothing else may.
EMPTY_STYLE = ""
# Plotly adds a style sheet for maps as it loads, unless an element with the sheet's hash as its id is there already.
STYLE_GUARD = re.compile(r'getElementById\("([0-9a-f]{64})"\)')
SCRIPTS = ("selection", "table", "charts", "page")
"""The page's own scripts, in the order in which they build on each other."""


def render_page(found: Findings, attention: Sequence[AttentionMaps] = ()) -> str:
    """The whole report as one HTML document that needs no network. attention: maps to show."""
    results = found.results
    look = look_of(results.plan)
    shown = _charts(found, look)
    charts: list[Chart] = shown.pop("all")
    style = _asset("style.css") + _asset("report.css")
    own = '"use strict";\n{\n' + "\n".join(_asset(f"{name}.js") for name in SCRIPTS) + "}\n"
    library = get_plotlyjs() if charts else ""
    scripts = [script for script in (library, own) if script]
    return (
        _environment()
        .get_template("report.html")
        .render(
            policy=policy(scripts, [style, EMPTY_STYLE]),
            style=Markup(style),
            scripts=[Markup(script) for script in scripts],
            guards=sorted(set(STYLE_GUARD.findall(library))),
            results=results,
            plan=results.plan,
            look=look,
            places={variant.label: place for place, variant in enumerate(results.plan.variants)},
            headline=verdict(results),
            # what was held equal has a list of its own
            conditions=[words for words in conditions(results) if not words.startswith("Held equal")],
            decimals=metric_decimals(results),
            confidence=f"{results.confidence:.3%}".rstrip("0%").rstrip("."),
            axes=_axes(results),
            equal=[*held_equal(results), *_tokens(results)],
            unequal=unequal(results),
            bars=metric_bars(results),
            bar_size=(WIDTH, HEIGHT),
            verdicts=_has_verdicts(results),
            heats=heat_tables(results, look),
            effects=effect_tables(results, found.effects),
            tuning=tuning(results),
            attention=attention,
            sections=sections(results),
            signs=SIGNS,
            fills=[words for _, words in FILLS],
            quantities=QUANTITIES,
            machines=_machines(results),
            data=Markup(embedded(numbers(found))),
            charts=Markup(embedded({"config": CONFIG, "x_axes": X_AXES, "charts": [c.content() for c in charts]})),
            **shown,
        )
    )


def _charts(found: Findings, look: Look) -> dict[str, Any]:
    """What the template draws, by name; "all" is every chart once."""
    results, sizes = found.results, found.scaling
    forest = forest_chart(results, look)
    curves = curve_panels(results, look, results.plan.metric.name, "valid")
    if curves is None and results.plan.metric.name.startswith("test/"):
        curves = curve_panels(results, look, results.plan.metric.name.replace("test/", "valid/", 1), "valid")
    training = (
        curve_panels(results, look, "train/loss", "train", shaded=False)
        if results.plan.metric.name != "train/loss"
        else None
    )
    costs, cost_words = cost_charts(results, look)
    profile = profile_view(results, look)
    scalings = scaling_charts(results, look, sizes) if sizes else []
    panels = [panel.chart for drawn in (curves, training) if drawn for panel in drawn.panels]
    every = [*([forest] if forest else []), *panels, *costs, *scalings, *(profile.charts if profile else ())]
    return {
        "all": every,
        "forest": forest,
        "curves": curves,
        "training": training,
        "costs": costs,
        "cost_words": cost_words,
        "scaling": sizes,
        "scalings": scalings,
        "exponents": exponents(results, sizes) if sizes else [],
        "cost_titles": TITLES,
        "profile": profile,
    }


def _axes(results: SweepResults) -> list[str]:
    """Those that tell variants apart; all of them where none does."""
    axes = results.plan.axes
    return [axis for axis, values in axes.items() if len(values) > 1] or list(axes)


def _has_verdicts(results: SweepResults) -> bool:
    words = {row.difference.verdict(results.plan.metric.goal) for row in results.ranked if row.difference}
    return bool(words - {"too few seeds"})


def _machines(results: SweepResults) -> dict[str, str]:
    """What trials say of where they ran, beyond the plan; values that differ are counted."""
    found: dict[str, list[str]] = {}
    for trial in results.trials:
        for key, value in trial.origin.environment.items():
            found.setdefault(key, []).append(value)
    words = {}
    for key, values in found.items():
        kinds = dict.fromkeys(values)
        if len(kinds) > 1:
            words[key] = ", ".join(f"{kind} ({values.count(kind)} trials)" for kind in kinds)
        elif results.plan.environment.get(key) != values[0]:
            words[key] = values[0]
    return words


def _tokens(results: SweepResults) -> list[str]:
    """How many tokens the trials that are compared were trained on, for the list of what was held equal."""
    known = [t.summary.tokens for row in results.ranked for t in row.finished if t.summary and t.summary.tokens]
    if len(results.ranked) < 2 or not known or words_module.count(min(known)) != words_module.count(max(known)):
        return []
    return [f"{words_module.count(max(known))} training tokens each"]


def percent(share: float) -> str:
    """`+0.4 %`, with two digits where it is small, and none for nothing."""
    if share == 0:
        return "0"
    return f"{share:+.{1 if abs(share) >= 0.01 else 2}%}".replace("-", "\u2212").replace("%", "\u00a0%")


def _asset(name: str) -> str:
    return (files("experiments.report") / "templates" / name).read_text(encoding="utf-8")


@cache
def _environment() -> jinja2.Environment:
    """Autoescape everywhere; a name missing from the context is an error."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("experiments.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words = ("clean", "count", "duration", "fixed", "interval", "shorten", "signed", "times")
    environment.filters.update({name: getattr(words_module, name) for name in words})
    environment.filters |= {
        "short": short,
        "percent": percent,
        "metric_label": metric_label,
        "order": order,
        "settings": settings,
    }
    environment.tests["reference"] = lambda row: isinstance(row, Reference)
    environment.tests["variant"] = lambda row: isinstance(row, VariantResult)
    return environment
