"""Performer language models: every case of the oracle, each with its own spec, weights read by the conversion."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import pytest
import torch
from torch import Tensor

from blocks.generation import Decoding, generate
from blocks.topology import Decoder
from registry import assemble
from registry.assembly import resolve_block

from .system import PUBLISHED, System

SPECS = {
    "causal_learned": "tiny/performer-learned",
    "causal_learned_full_length": "tiny/performer-learned",
    "bidirectional_learned": "tiny/performer-bidirectional",
    "causal_rotary": "tiny/performer",
    "causal_rotary_full_length": "tiny/performer",
    "causal_relu": "tiny/performer-relu",
}


class PerformerLM(System):
    """One case, which names switches of its own."""

    def __init__(self, case: str) -> None:
        super().__init__("performer_lm", spec=SPECS[case], conversion="performer")
        self.case = case

    def weights(self) -> dict[str, Tensor]:
        # all cases share one file; sinusoids need no table
        rotary = self.settings["rotary_position_emb"]
        return {n: w for n, w in self.oracle.weights.items() if not rotary or n != "pos_emb.emb.weight"}

    @cached_property
    def settings(self) -> dict[str, Any]:
        return {**self.oracle.meta["config"], **self.oracle.meta["cases"][self.case]["options"]}

    def read_config(self) -> dict[str, Any]:
        return resolve_block(self.conversion.spec(self.settings), self.catalog)


@pytest.mark.parametrize("case", SPECS)
def test_outputs(case: str, dtype: torch.dtype) -> None:
    system = PerformerLM(case)
    wrong = [result for result in system.results(case, system.load(dtype)) if not result.ok]
    assert not wrong, wrong


def test_every_case_has_a_spec() -> None:
    assert set(SPECS) == set(PerformerLM("causal_relu").cases)


@pytest.mark.parametrize("case", SPECS)
def test_the_settings_of_the_case_are_the_spec(case: str) -> None:
    system = PerformerLM(case)
    assert system.read_config() == system.block


def test_decoding_goes_on_without_a_cache_where_keys_are_scaled_by_later_ones() -> None:
    system = PerformerLM("causal_learned")
    model = system.load(torch.get_default_dtype())
    assert isinstance(model, Decoder)
    with pytest.raises(NotImplementedError, match="scales keys by later ones"):
        model.new_state()
    tokens = system.arguments("causal_learned")["tokens"]
    found, first = generate(model, tokens, Decoding(max_new_tokens=3)), model(tokens)[:, -1].argmax(-1)
    assert torch.equal(found[:, 0], first)
    again = model(torch.cat([tokens, found[:, :2]], 1))[:, -1].argmax(-1)
    assert torch.equal(found[:, 2], again)


def count(vocab: int, positions: int, dim: int, inner: int, layers: int) -> int:
    """Parameters of PerformerLM, counted from its modules' shapes; agrees with performer-pytorch 1.1.4."""
    attention, norm = 4 * dim * dim, 2 * dim
    feedforward = dim * inner + inner + inner * dim + dim
    return vocab * dim + positions * dim + layers * (2 * norm + attention + feedforward) + norm + dim * vocab + vocab


@pytest.mark.parametrize(
    ("name", "said", "counted"),
    [
        ("performer-imagenet64", 19_165_440, count(256, 0, 512, 2048, 6)),
        ("performer-proteins", 76_182_558, count(30, 1024, 512, 1024, 36)),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32], indirect=True)
def test_the_published_sizes(name: str, said: int, counted: int) -> None:
    path = PUBLISHED / f"{name}.yaml"
    with torch.device("meta"):
        model = assemble(path)
    assert sum(p.numel() for p in model.parameters()) == said == counted
    assert f"{said:,}" in path.read_text(encoding="utf-8")
