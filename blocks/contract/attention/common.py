"""An attention kind used in every way that it declares, for the promises that all modules make."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from blocks.attention import Attention
from blocks.contract.attention.cases import situations
from blocks.contract.common import Feed, promise_common
from blocks.contract.subject import Subject
from blocks.coords import Coords


def exercise(subject: Subject, module: nn.Module, feed: Feed) -> Sequence[Tensor]:
    assert isinstance(module, Attention)
    device, width = torch.device(feed.device), subject["dim"]
    x, source = feed.vectors(2, 7, width), feed.vectors(2, 5, width)
    outs = [module(x, mask=mask, position=position) for mask, position in situations(subject, module)]
    if "padding" in subject.provides:
        valid = feed.flags([[True] * 7, [False, False, True, True, True, True, True]])
        # padded queries are nobody's business
        real = valid.unsqueeze(-1)
        at = Coords.of(7, valid=valid, device=device)
        outs += [module(x, at, mask=mask) * real for mask, position in situations(subject, module) if position is None]
    if "cross" in subject.provides:
        outs.append(module(x, source=source))
    return outs


promise_common("attention", exercise)
