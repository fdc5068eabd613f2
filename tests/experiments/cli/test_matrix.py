"""`matrix`: every combination with yes or a reason, and the same answer as a spec would get."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
from click.testing import Result

from experiments.compatibility import VISIBILITIES, Cell, cells, pair
from registry.catalog import Catalog
from registry.errors import SpecError
from registry.load import load

Call = Callable[..., Result]


@pytest.fixture(scope="module")
def found() -> list[Cell]:
    return list(cells(Catalog.load()))


def test_every_combination_is_there_once(found: list[Cell]) -> None:
    catalog = Catalog.load()
    kinds = (catalog.kinds(family) for family in ("attention", "position", "topology"))
    wanted = set(product(*kinds, VISIBILITIES))
    assert {(c.attention, c.position, c.topology, c.visibility) for c in found} == wanted
    assert len(found) == len(wanted)


def test_every_cell_says_yes_or_why(found: list[Cell]) -> None:
    assert all(cell.works == (cell.reason is None) for cell in found)
    assert 0 < sum(cell.works for cell in found) < len(found)


def test_what_declarations_say() -> None:
    """The answer from the sets alone: hooks and visibility among what the attention provides."""
    catalog = Catalog.load()
    for cell in cells(catalog):
        provides = set(catalog.get("attention", cell.attention)["provides"])
        hooks = {need["capability"] for need in catalog.get("position", cell.position)["needs"]}
        sees = {"decoder": {"causal"}, "encoder": {"bidirectional"}, "encoder_decoder": {"bidirectional", "causal"}}
        offered = cell.visibility in catalog.get("topology", cell.topology)["provides"]
        wanted = hooks | sees[cell.topology] | {cell.visibility}
        assert cell.works == (offered and wanted <= provides), cell


def test_cells_agree_with_specs(found: list[Cell]) -> None:
    for cell in found:
        if cell.visibility not in ("causal", "bidirectional", "prefix", "cross") or not cell.offered:
            continue
        model = {
            "topology": cell.topology,
            "dim": 8,
            "heads": 2,
            "attention": cell.attention,
            "position": cell.position,
        }
        if cell.visibility == "cross":
            model["cross_attention"] = cell.attention
        if cell.visibility == "prefix":
            model["prefix"] = True
        try:
            load({"model": model})
            works = True
        except SpecError:
            works = False
        assert cell.works == works, cell


def test_reasons_name_both_sides_and_what_would_work(found: list[Cell]) -> None:
    reason = next(
        c.reason
        for c in found
        if (c.attention, c.position, c.visibility) == ("linear", "alibi", "causal") and c.offered
    )
    assert reason == (
        "attention 'linear' cannot work with position 'alibi' (it needs the score matrix: bias); "
        "attention that works with position 'alibi': bigbird, full, longformer, transformer_xl; "
        "position that works with attention 'linear': every_layer, learned, learned_2d, none, rotary, several, "
        "sinusoidal, sinusoidal_2d, temperature"
    )


def test_a_pair_works_when_some_combination_does(found: list[Cell]) -> None:
    assert pair(found, attention="full", position="shaw").works
    refused = pair(found, attention="performer", position="t5")
    assert not refused.works
    assert refused.reasons == (
        "attention 'performer' cannot work with position 't5' (it needs the score matrix: bias)",
    )
    assert (
        pair(found, attention="linear", visibility="window")
        .reasons[0]
        .startswith("attention 'linear' cannot work with")
    )
    assert not pair(found, topology="encoder", visibility="decode").offered


def test_the_terminal_layout(call: Call) -> None:
    lines = call("matrix").output.splitlines()
    head = next(line.split() for line in lines if line.startswith("attention") and "rotary" in line)
    performer = next(line.split() for line in lines if line.startswith("performer"))
    assert performer[head.index("rotary")] == "yes"
    number = performer[head.index("alibi")]
    assert any(line.startswith(f"{number}. attention 'performer' cannot work with position 'alibi'") for line in lines)


def test_markdown_has_tables(call: Call) -> None:
    lines = call("matrix", "--markdown").output.splitlines()
    tables = [line for line in lines if line.startswith("|")]
    assert "| attention | decoder | encoder | encoder_decoder |" in tables
    assert tables.count("| --- | --- | --- | --- |") == 1
    assert all(line.endswith("|") for line in tables)


def test_all_is_a_line_for_every_cell(call: Call, found: list[Cell]) -> None:
    lines = call("matrix", "--all").output.splitlines()
    assert len(lines) == len(found)
    assert sum(line.endswith("  yes") for line in lines) == sum(cell.works for cell in found)
