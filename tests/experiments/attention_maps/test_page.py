"""The page: self-contained, escaped, under a strict policy, and with every weight in it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any

import numpy as np
import pytest

from experiments.attention_maps import picture
from experiments.attention_maps.gather import LayerMaps, StackMaps
from experiments.attention_maps.packing import STEPS, Packed, unpack
from experiments.attention_maps.page import SCRIPTS, render_page
from experiments.attention_maps.reading import Reading, Stream
from experiments.attention_maps.words import Word

HOME, TEXT, FACT = "runs/<b>x</b>", "</h1><script>alert(2)</script>", "<u>encoder</u>"
MARKED_UP = ("<img", "<b>", "<i>", "<u>", "alert(2)</script>", "<!--")


class Parsed(HTMLParser):
    """The elements of a page, the contents of its scripts and styles, and the text that a reader sees."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inside: list[tuple[str, str]] = []
        self.text = ""
        self._tag = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._tag = tag

    def handle_endtag(self, tag: str) -> None:
        self._tag = ""

    def handle_data(self, data: str) -> None:
        if self._tag in ("script", "style"):
            self.inside.append((self._tag, data))
        else:
            self.text += data


@pytest.fixture(scope="module")
def html(reading: Reading) -> str:
    return render_page(reading, HOME, TEXT, [FACT])


def data_of(html: str) -> Any:
    found = re.findall(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    assert len(found) == 1
    return json.loads(found[0])


def test_nothing_of_the_user_is_markup(html: str) -> None:
    page = Parsed(html)
    written = [tag for tag, _ in page.elements]
    assert {"img", "b", "u"}.isdisjoint(written)
    # the page's own mark, and no other
    assert [attrs for tag, attrs in page.elements if tag == "i"] == [{"class": "hidden-key"}]
    assert written.count("script") == 2 and written.count("title") == 1 and written.count("h1") == 1
    for words in (HOME, TEXT, FACT):
        assert words in page.text
    assert not any(name.startswith("on") for _, attrs in page.elements for name in attrs)
    assert not any(re.search(re.escape(mark), html) for mark in MARKED_UP)


def test_the_data_come_back(html: str, reading: Reading) -> None:
    data = data_of(html)
    for name, stream in reading.streams.items():
        assert [word["text"] for word in data["streams"][name]] == [word.text for word in stream.words]
        assert [word.get("special", False) for word in data["streams"][name]] == [w.special for w in stream.words]
    assert [word["next"] for word in data["streams"]["target"]] == [
        g.word.text for g in reading.streams["target"].guesses
    ]
    assert [(s["name"], s["queries"], s["keys"]) for s in data["stacks"]] == [
        ("encoder", "source", "source"),
        ("decoder", "target", "target"),
        ("cross", "target", "source"),
    ]
    for sent, stack in zip(data["stacks"], reading.stacks, strict=True):
        for about, layer in zip(sent["layers"], stack.layers, strict=True):
            assert (about["layer"], about["kind"]) == (layer.layer, layer.kind)
            if layer.weights is None:
                assert about["why"] == layer.why and "weights" not in about
                continue
            assert about["heads"] == list(layer.heads)
            back = unpack(Packed(about["weights"], about["scale"]), layer.weights.shape)
            np.testing.assert_allclose(back, layer.weights, atol=1 / STEPS)
            np.testing.assert_allclose(back.sum(-1), 1, atol=10 / STEPS)


def test_the_policy_allows_the_one_script_and_style_and_nothing_else(html: str) -> None:
    page = Parsed(html)
    (policy,) = (attrs["content"] for _, attrs in page.elements if attrs.get("http-equiv") == "Content-Security-Policy")
    assert policy
    rules = {words[0]: words[1:] for rule in policy.split(";") if (words := rule.split())}
    assert rules["default-src"] == ["'none'"]
    scripts = [text for tag, text in page.inside if tag == "script" and not text.lstrip().startswith('{"')]
    styles = [text for tag, text in page.inside if tag == "style"]
    for found, source in ((scripts, "script-src"), (styles, "style-src")):
        assert len(found) == 1
        hashed = base64.b64encode(hashlib.sha256(found[0].encode()).digest()).decode()
        assert rules[source] == [f"'sha256-{hashed}'"]


def test_nothing_is_fetched_and_no_text_becomes_code_or_markup(html: str) -> None:
    page = Parsed(html)
    assert not any(attrs.keys() & {"src", "href", "srcset", "style"} for _, attrs in page.elements)
    assert "http://" not in html and "https://" not in html
    for name in SCRIPTS:
        script = (files("experiments.attention_maps") / "templates" / f"{name}.js").read_text(encoding="utf-8")
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "fetch("):
            assert word not in script
    assert "@import" not in html and "url(" not in html


def test_layers_without_a_map_are_told_with_the_reason(html: str) -> None:
    text = Parsed(html).text
    assert "decoder, layer 1: attention '<i>mine</i>' has no weights to show" in text
    whole = Reading(
        {"text": Stream([Word("a")])}, [StackMaps("encoder", [LayerMaps(0, "full", [0], np.ones((1, 1, 1)))])]
    )
    assert "Layers without a map" not in render_page(whole, "x", "y", [])


def test_twelve_layers_of_twelve_heads_over_128_tokens_fit() -> None:
    scores = np.random.default_rng(1).normal(0, 2, (12, 12, 128, 128))
    weights = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    layers = [LayerMaps(n, "full", range(12), weights[n].astype(np.float32)) for n in range(12)]
    words = [Word(f"word{n}") for n in range(128)]
    page = render_page(Reading({"text": Stream(words)}, [StackMaps("encoder", layers)]), "x", "y", [])
    # noise cannot be packed well; base64 makes it a third larger
    assert len(page) < 2.7 * weights.size


def test_picture_and_page_have_the_same_colours() -> None:
    style = (files("experiments.attention_maps") / "templates" / "page.css").read_text(encoding="utf-8")
    light = style[: style.index("@media")]
    assert f"--ramp: {', '.join(picture.RAMP)};" in light
    assert f"--below: {', '.join(picture.BELOW)};" in light
    assert f"--void: {picture.VOID};" in light
