"""Which prediction answers for which object: the assignment with the lowest total cost."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Matching:
    """Pairs of one image, ordered by query. queries, targets: int [pairs]."""

    queries: Tensor
    targets: Tensor


def match(cost: Tensor) -> Matching:
    """The pairs of the Hungarian method. cost: [queries targets]; as many pairs as the smaller number of both.

    A cost that is no number counts as the largest there is: such a prediction is taken when nothing else is left, and
    the loss then shows what is wrong with it.
    """
    from scipy.optimize import linear_sum_assignment

    largest = torch.finfo(torch.float32).max
    finite = cost.detach().double().nan_to_num(nan=largest, posinf=largest, neginf=largest)
    rows, columns = linear_sum_assignment(finite.cpu().numpy())
    return Matching(torch.as_tensor(rows, device=cost.device), torch.as_tensor(columns, device=cost.device))
