"""The page: one HTML document with every map in it, which needs no network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup

from experiments.attention_maps.gather import LayerMaps, StackMaps
from experiments.attention_maps.packing import pack
from experiments.attention_maps.reading import Reading, Stream
from experiments.attention_maps.words import SIGNS
from experiments.report.policy import policy
from experiments.results import words as words_module

SCRIPTS = ("data", "colour", "thumbs", "map", "reading", "main")
"""The page's own scripts, in the order in which they build on each other."""


def render_page(reading: Reading, title: str, text: str, facts: Sequence[str], *, some_heads: bool = False) -> str:
    """title: where the model is from; text: what it read; facts: a few words each on the model.

    some_heads: whether the reading has only some of the heads, so that a mean is said to be theirs.
    """
    style = _asset("experiments.report", "style.css") + _asset("experiments.attention_maps", "page.css")
    parts = [_asset("experiments.attention_maps", f"{name}.js") for name in SCRIPTS]
    script = '"use strict";\n{\n' + "\n".join(parts) + "}\n"
    return (
        _environment()
        .get_template("page.html")
        .render(
            policy=policy([script], [style]),
            style=Markup(style),
            script=Markup(script),
            title=title,
            text=text,
            facts=facts,
            signs=f"{SIGNS}.",
            silent=list(_silent(reading.stacks)),
            data=page_data(reading, some_heads=some_heads),
        )
    )


def page_data(reading: Reading, *, some_heads: bool = False) -> dict[str, Any]:
    """What the scripts read: streams of tokens, and stacks whose layers hold packed weights or the reason for none."""
    stacks = [
        {
            "name": stack.name,
            "queries": reading.queries(stack),
            "keys": reading.keys(stack),
            "layers": [_layer(layer) for layer in stack.layers],
        }
        for stack in reading.stacks
    ]
    streams = {name: list(_words(stream)) for name, stream in reading.streams.items()}
    return {"streams": streams, "stacks": stacks, "some_heads": some_heads}


def _layer(layer: LayerMaps) -> dict[str, Any]:
    about: dict[str, Any] = {"layer": layer.layer, "kind": layer.kind}
    if layer.weights is None:
        return {**about, "why": layer.why}
    packed = pack(layer.weights)
    return {**about, "heads": list(layer.heads), "weights": packed.text, "scale": packed.scale}


def _words(stream: Stream) -> Iterator[dict[str, Any]]:
    for place, word in enumerate(stream.words):
        said: dict[str, Any] = {"text": word.text}
        if word.special:
            said["special"] = True
        if stream.guesses:
            guess = stream.guesses[place]
            said |= {"next": guess.word.text, "sure": round(guess.probability, 4)}
        yield said


def _silent(stacks: Sequence[StackMaps]) -> Iterator[tuple[str, str]]:
    for stack in stacks:
        for layer in stack.layers:
            if layer.weights is None:
                yield f"{stack.name}, layer {layer.layer}", layer.why


def _asset(package: str, name: str) -> str:
    return (files(package) / "templates" / name).read_text(encoding="utf-8")


@cache
def _environment() -> jinja2.Environment:
    """Autoescape everywhere; a name missing from the context is an error."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("experiments.attention_maps"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update({name: getattr(words_module, name) for name in ("clean", "shorten")})
    return environment
