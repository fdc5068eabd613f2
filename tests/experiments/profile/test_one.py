"""What is measured of one model, in this process."""

from __future__ import annotations

from collections.abc import Mapping
from multiprocessing import Pipe
from typing import Any

import pytest
import torch

from experiments.profile.one import Order, cache_bytes, measure
from registry.assembly import resolve_block
from registry.catalog import Catalog

BLOCK = {"topology": "decoder", "vocab": 32, "dim": 16, "layers": 2, "heads": 2}


def figures(block: Mapping[str, Any], length: int = 32) -> dict[str, Any]:
    ours, theirs = Pipe(duplex=False)
    measure(Order(resolve_block(block, Catalog.load()), (), length, 1, 0.0, None), theirs)
    answer: dict[str, Any] = ours.recv()
    return answer


def test_a_decoder_has_every_figure() -> None:
    found = figures(BLOCK)
    assert found["train_ms"] > found["backward_ms"] > 0 and found["forward_ms"] > 0
    assert found["tokens_per_second"] == pytest.approx(1000 * 32 / found["train_ms"])
    assert found["decode_tokens_per_second"] == pytest.approx(1000 / found["decode_ms"])
    assert found["cache_bytes_per_token"] * 32 == pytest.approx(found["cache_mb"] * 2**20)


def test_an_encoder_does_not_decode() -> None:
    found = figures({**BLOCK, "topology": "encoder", "head": {"kind": "classification", "classes": 2}})
    assert found["train_ms"] > 0 and "decode_ms" not in found


def test_an_encoder_decoder_is_measured_too() -> None:
    found = figures({**BLOCK, "topology": "encoder_decoder"})
    assert found["train_ms"] > 0 and found["decode_ms"] > 0


@pytest.mark.parametrize("kind", ["linear", "performer"])
def test_what_a_linear_kind_remembers_does_not_grow(kind: str) -> None:
    block = {**BLOCK, "attention": kind}
    assert figures(block, 32)["cache_mb"] == figures(block, 256)["cache_mb"] > 0


def test_what_full_attention_remembers_grows() -> None:
    assert figures(BLOCK, 256)["cache_mb"] > 4 * figures(BLOCK, 32)["cache_mb"]


def test_a_model_that_cannot_run_says_why() -> None:
    words = figures({**BLOCK, "position": {"kind": "learned", "length": 16}})["failed"]
    assert "16" in words


def test_shared_storage_counts_once() -> None:
    whole = torch.zeros(10, 4)
    assert cache_bytes([whole, {"a": whole[:2]}, (torch.zeros(3),)]) == 4 * 40 + 4 * 3
