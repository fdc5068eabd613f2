"""Transformer-XL: every case of its two oracles, with the memory from segment to segment."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from blocks.attention.transformer_xl import SegmentMemory
from blocks.coords import Coords
from blocks.tap import Tap
from blocks.topology import DecodeState, Output, Topology
from registry.assembly import assemble_block
from registry.load import load

from .system import PUBLISHED, System

BEFORE = {"segment_2": "segment_1", "segment_3": "segment_2"}
"""Segments of one text, each with the one whose memory it starts from."""


class Segments(System):
    """Cases start from an empty memory, except the one that starts from zeros, as the spec does."""

    def load(self, dtype: torch.dtype, **changes: Any) -> Topology:
        changes = {"attention": {**self.block["attention"], "start": "empty"}, **changes}
        self.model = super().load(dtype, **changes)
        return self.model

    def arguments(self, case: str) -> dict[str, Any]:
        tokens = {"tokens": self.oracle.input(case, "input_ids")}
        # the recorded loss and gradients are of a second segment read once more: from the memory that it has left
        return {**tokens, "state": self.state_after(case)} if case == "segment_2" else tokens

    def state_after(self, case: str | None) -> DecodeState:
        """What the segments up to this one have left, computed in the model's own precision."""
        if case is None:
            return self.model.new_state()
        state = self.state_after(BEFORE.get(case))
        with torch.no_grad():
            self.model.run(self.oracle.input(case, "input_ids"), state=state)  # type: ignore[operator]
        return state

    def outputs(self, model: Topology, case: str) -> dict[str, Tensor]:
        if case == "greedy":
            found = self.decoded(model, case)
            return {**found, "step_logits": found["step_logits"].log_softmax(-1)}
        if zeros := case == "zero_memory":
            model = self.load(next(model.parameters()).dtype, attention=self.block["attention"])
        tap, state = Tap(), self.state_after(BEFORE.get(case))
        out: Output = model.run(self.oracle.input(case, "input_ids"), state=state, tap=tap)  # type: ignore[operator]
        losses = self.losses(case, out)
        found = {"log_probs": out.logits.log_softmax(-1), "losses": losses, "loss": losses.mean()}
        found |= {**self.looked_at(tap, out), "last_hidden_state": out.hidden, "new_mems": memories(state, zeros=zeros)}
        return {**found, "attn_0": self.first_weights(model, case)} if zeros else found

    def losses(self, case: str, out: Output) -> Tensor:
        """-log p of each token but the first. [b n - 1]."""
        ids = self.oracle.input(case, "input_ids")
        return -out.logits.log_softmax(-1)[:, :-1].gather(-1, ids[:, 1:].unsqueeze(-1)).squeeze(-1)

    def loss(self, case: str, out: Output) -> Tensor:
        return self.losses(case, out).mean()

    def first_weights(self, model: Any, case: str) -> Tensor:
        """Of the first layer over zeros and segment; a tap shows none where zeros have a share."""
        tokens, tap = self.oracle.input(case, "input_ids"), Tap(attention=False)
        model.run(tokens, tap=tap)
        attention, position = model.stack.layers[0].attention, model.stack.position(0)
        at = Coords.of(tokens.shape[1])
        weights: Tensor = attention.weights(tap.hidden["decoder"][0], at, mask=model.mask, position=position)
        return weights


def memories(state: DecodeState, *, zeros: bool) -> Tensor:
    """[layer b k m]; the reference also holds the zeros that are not yet pushed out."""
    held = [cache.attention for cache in state.caches]
    found = torch.stack([memory.x for memory in held if isinstance(memory, SegmentMemory) and memory.x is not None])
    left = 12 - found.shape[2] if zeros else 0
    return torch.cat([found.new_zeros(*found.shape[:2], left, found.shape[3]), found], dim=2)


PLAIN = Segments("transfo_xl", spec="tiny/transformer-xl", conversion="transfo_xl")
ADAPTIVE = Segments("transfo_xl_adaptive", spec="tiny/transformer-xl-adaptive", conversion="transfo_xl")
test_outputs, test_gradients, test_config = PLAIN.tests()
test_adaptive_outputs, test_adaptive_gradients, test_adaptive_config = ADAPTIVE.tests()


@pytest.mark.parametrize("dtype", [torch.float64], indirect=True)
@pytest.mark.parametrize("system", [PLAIN, ADAPTIVE], ids=["plain", "adaptive"])
def test_the_loss_behind_the_gradients(system: Segments) -> None:
    model: Any = system.load(torch.float64)
    loss = system.loss("segment_2", model.run(**system.arguments("segment_2")))
    assert float(loss.detach()) == pytest.approx(system.oracle.meta["gradients"]["loss"], rel=1e-12)


def layers(count: int, dim: int, hidden: int) -> int:
    """q, k, v, out and the map of distances; two maps of the feed-forward block with biases; two norms."""
    return count * (5 * dim**2 + 2 * dim * hidden + hidden + dim + 4 * dim)


# as counted in the authors' training logs, where those are known; the large model's clusters are narrower by div
VOCAB, CUTS = 267735, (20000, 20000, 160000, 67735)
COUNTS = {
    "transformer-xl-base": 151_107_538,
    "transformer-xl-large": 285_205_322,
    "transformer-xl-enwik8": 41_055_436,
}
FORMULAS = {
    "transformer-xl-base": layers(16, 410, 2100) + VOCAB * 411 + 3 * 411 + 2 * 410,
    "transformer-xl-large": layers(18, 1024, 4096)
    + sum((tokens + 1024) * 1024 // 4**i for i, tokens in enumerate(CUTS))
    + (VOCAB + 3 * 1025 + 1024**2 + 18 * 2 * 1024),
    "transformer-xl-enwik8": layers(12, 512, 2048) + 204 * 513 + 2 * 512,
}


@pytest.mark.parametrize("dtype", [torch.float32], indirect=True)
@pytest.mark.parametrize("name", COUNTS)
def test_published_sizes(name: str) -> None:
    with torch.device("meta"):
        model: nn.Module = assemble_block(load(PUBLISHED / f"{name}.yaml").full["model"], PLAIN.catalog)
    assert sum(p.numel() for p in model.parameters()) == COUNTS[name] == FORMULAS[name]
