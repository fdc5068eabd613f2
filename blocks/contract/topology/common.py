"""A whole model used in every way that it takes, for the promises that all modules make."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from blocks.contract.check import check, demand
from blocks.contract.common import Feed, promise_common
from blocks.contract.subject import Subject
from blocks.contract.topology.models import N, draw, run, takes
from blocks.topology import Topology


@check("topology", "logits and hidden states have their shapes")
def shapes(subject: Subject) -> None:
    model = subject.build()
    for b, n in ((2, N), (1, 1)):
        ids = draw(subject, b, n)
        out = run(model, subject, ids)
        demand(out.hidden.shape[:2] == (b, n), f"hidden states of [{b} {n}] tokens are {tuple(out.hidden.shape)}")
        demand(len(out.logits) == b and out.logits.dim() in (2, 3), f"logits are {tuple(out.logits.shape)}")
        demand(out.logits.isfinite().all(), "not all logits are finite")


@check("topology", "has an example of a call")
@torch.no_grad()
def example(subject: Subject) -> None:
    model = subject.build()
    for b, n in ((2, N), (1, 1)):
        given = {name: t.double() if t.is_floating_point() else t for name, t in model.example(b, n).items()}
        out = model.run(**given)
        demand(len(out.logits) == b, f"the example for a batch of {b} gives {len(out.logits)} rows of logits")
        demand(out.logits.isfinite().all(), "not all logits of the example are finite")


def exercise(subject: Subject, module: nn.Module, feed: Feed) -> Sequence[Tensor]:
    assert isinstance(module, Topology)
    ids = feed.ids(2, N, subject.options["vocab"])
    outs = [run(module, subject, ids).logits]
    if takes("valid")(subject):
        valid = feed.flags([[True] * N, [False] * 2 + [True] * (N - 2)])
        out = run(module, subject, ids, valid=valid)
        outs.append(out.hidden * valid.unsqueeze(-1))
    return outs


promise_common("topology", exercise)
