"""Position hooks: declared ones act, the others are refused."""

from __future__ import annotations

import torch

from blocks.attention import Attention
from blocks.contract.attention.cases import N, directions, draw
from blocks.contract.check import Broken, check, demand
from blocks.contract.compare import moved
from blocks.contract.probes import HOOKS, probe
from blocks.contract.subject import Subject
from blocks.coords import Coords


@check("attention", "declared position hooks act and the others are refused")
@torch.no_grad()
def hooks(subject: Subject) -> None:
    attention: Attention = subject.build()
    x = draw(subject, 2, N)
    for hook in HOOKS:
        position = probe(hook, attention.heads, attention.head_dim)
        for mask in directions(subject):
            if hook not in subject.provides:
                _refuses(attention, x, hook)
                continue
            plain = attention(x, mask=mask)
            acted = attention(x, mask=mask, position=position)
            problem = f"declares '{hook}' but a scheme that uses it changes nothing under {mask}"
            demand(moved(acted, plain)[:, 1:].any(), problem)
            later = attention(x, Coords.of(N, start=3), mask=mask, position=position)
            problem = f"under {mask}, a scheme that uses '{hook}' does not get the positions that the coordinates give"
            demand(moved(acted, later).any(), problem)


def _refuses(attention: Attention, x: torch.Tensor, hook: str) -> None:
    try:
        attention(x, position=probe(hook, attention.heads, attention.head_dim))
    except ValueError as error:
        demand(hook in str(error), f"refuses a scheme that uses '{hook}' without naming the hook: {error}")
    else:
        raise Broken(f"does not declare '{hook}' but takes a scheme that uses it without a word")
