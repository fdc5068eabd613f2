"""The page: everything that the template shows, and the policy that says which scripts may run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import jinja2
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from experiments.report.cost_charts import cost_charts
from experiments.report.curve_charts import curve_panels
from experiments.report.heat import heat_tables, short
from experiments.report.look import SIGNS, look_of
from experiments.report.policy import policy
from experiments.report.ranking_chart import ranking_chart
from experiments.results import Reference, SweepResults, VariantResult, headline
from experiments.results import words as words_module
from experiments.results.headline import metric_decimals

# Plotly writes its own rules into an empty style element while it runs; nothing else may.
EMPTY_STYLE = ""
# Plotly adds a style sheet for maps as it loads, unless an element with the sheet's hash as its id is there already.
STYLE_GUARD = re.compile(r'getElementById\("([0-9a-f]{64})"\)')


@dataclass(frozen=True)
class Spec:
    """The resolved spec of one variant, as its first trial wrote it."""

    label: str
    text: str


def render_page(results: SweepResults) -> str:
    """The whole report as one HTML document that needs no network."""
    look = look_of(results.plan)
    ranking = ranking_chart(results, look)
    curves = curve_panels(results, look, results.plan.metric.name, "valid")
    training = curve_panels(results, look, "train/loss", "train") if _adds_training(results) else []
    costs, cost_words = cost_charts(results, look)
    charts = [*([ranking] if ranking else []), *(panel.chart for panel in [*curves, *training]), *costs]
    style, sort = _asset("style.css"), _asset("sort.js")
    library = get_plotlyjs() if charts else ""
    scripts = [script for script in (sort, library, *(chart.script for chart in charts)) if script]
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
            headline=headline(results),
            decimals=metric_decimals(results),
            axes=list(results.plan.axes),
            ranking=ranking,
            curves=curves,
            training=training,
            costs=costs,
            cost_words=cost_words,
            verdicts=_has_verdicts(results),
            heats=heat_tables(results, look),
            specs=_specs(results),
            signs=SIGNS,
        )
    )


def _adds_training(results: SweepResults) -> bool:
    return results.plan.metric.name != "train/loss" and any("train/loss" in trial.curves for trial in results.trials)


def _has_verdicts(results: SweepResults) -> bool:
    words = {row.difference.verdict(results.plan.metric.goal) for row in results.ranking if row.difference}
    return bool(words - {"too few seeds"})


def _specs(results: SweepResults) -> list[Spec]:
    found = ((row.label, next((text for t in row.trials if (text := t.spec_text())), "")) for row in results.ranking)
    return [Spec(label, text) for label, text in found if text]


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
    environment.filters["short"] = short
    environment.tests["reference"] = lambda row: isinstance(row, Reference)
    environment.tests["variant"] = lambda row: isinstance(row, VariantResult)
    return environment
