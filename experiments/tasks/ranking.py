"""How near the top of a list the right answer is, and the best line between right and wrong pairs."""

from __future__ import annotations

import torch
from torch import Tensor


def ranking(scores: Tensor) -> dict[str, float]:
    """recall_at_1, recall_at_10 and mrr of rows whose right column is that of their own number. scores: [r r].

    Of equal scores the right one comes last, so that scores that say nothing earn nothing.
    """
    ranks = (scores >= scores.diagonal().unsqueeze(1)).sum(1).double()
    return {
        "recall_at_1": float((ranks <= 1).double().mean()),
        "recall_at_10": float((ranks <= 10).double().mean()),
        "mrr": float((1 / ranks).mean()),
    }


def best_threshold(scores: Tensor, same: Tensor) -> float:
    """The number above which pairs count as the same, so that most are told rightly. scores: [p]; same: int [p].

    It lies midway between two scores; of equally good ones it is the lowest.
    """
    ordered, order = scores.double().sort()
    same = same[order]
    # rightly told where the k lowest count as different
    right = torch.cat([same.new_zeros(1), (1 - same).cumsum(0)]) + torch.cat(
        [same.flip(0).cumsum(0).flip(0), same.new_zeros(1)]
    )
    # no line can part equal scores
    between = torch.cat([ordered.new_tensor([True]), ordered[1:] > ordered[:-1], ordered.new_tensor([True])]).bool()
    k = int(right.masked_fill(~between, -1).argmax())
    if k == 0:
        return float(ordered[0]) - 1
    if k == len(ordered):
        return float(ordered[-1])
    return float(ordered[k - 1] + ordered[k]) / 2
