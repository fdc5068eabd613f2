"""The weight of a norm: as it is, added to one, or absent."""

from __future__ import annotations

from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

Form: TypeAlias = Literal["plain", "one_plus", "none"]


def starting_weight(form: Form, dim: int) -> nn.Parameter | None:
    """The parameter [m] of a norm that starts neutral."""
    if form == "none":
        return None
    return nn.Parameter(torch.zeros(dim) if form == "one_plus" else torch.ones(dim))


def factor(form: Form, weight: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    """What the normalised vector is multiplied by, [m]; the sum 1 + w is never rounded to half precision."""
    if weight is None:
        return None
    weight = weight.to(torch.promote_types(dtype, torch.float32))
    return 1 + weight if form == "one_plus" else weight
