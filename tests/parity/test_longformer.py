"""Longformer: every case of the oracle, its weights read by the conversion."""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor
from torch.nn import functional

from blocks.topology import Topology

from .system import System

WINDOW = 8


class Longformer(System):
    """The reference lays out attention weights by what a query sees instead of by key."""

    def outputs(self, model: Topology, case: str) -> dict[str, Tensor]:
        found = super().outputs(model, case)
        given, weights = self.arguments(case), found["attn_0"]
        marked = torch.zeros_like(given["valid"]) if "globals" not in given else given["globals"] & given["valid"]
        count = int(marked.sum(1).max())
        # keys with global attention first, in order; rows with fewer of them have places to spare
        order = torch.argsort((~marked).long(), dim=1, stable=True)[:, :count]
        there = rearrange(marked.gather(1, order), "b g -> b 1 1 g")
        local = weights.masked_fill(rearrange(marked, "b q -> b 1 q 1"), 0.0)
        columns = rearrange(order, "b g -> b 1 1 g").expand(-1, weights.shape[1], weights.shape[2], -1)
        near = around(local.masked_fill(rearrange(marked, "b k -> b 1 1 k"), 0.0))
        found["attn_0"] = torch.cat([local.gather(3, columns) * there, near], dim=-1)
        if "global_attn_0" in self.oracle.meta["cases"][case]["outputs"]:
            keys = self.oracle.tensors[f"{case}/out/global_attn_0"].shape[2]
            seen = rearrange(weights, "b h q k -> b h k q").gather(3, columns)
            # padded to a multiple of the window inside; a place to spare looks everywhere alike
            seen = functional.pad(seen, (0, 0, 0, keys - seen.shape[2]))
            found["global_attn_0"] = torch.where(there, seen, 1 / keys)
        return found


def around(weights: Tensor) -> Tensor:
    """Weights [b h q k] of the keys from half a window before the query to half a window after it."""
    wide = functional.pad(weights, (WINDOW // 2, WINDOW // 2))
    return torch.stack([wide[:, :, query, query : query + WINDOW + 1] for query in range(wide.shape[2])], dim=2)


SYSTEM = Longformer("longformer", spec="tiny/longformer", conversion="longformer")
test_outputs, test_gradients, test_config = SYSTEM.tests()
