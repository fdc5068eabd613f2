"""Imported once by the server that trials are forked from, so that a trial starts in a fraction of a second.

An optimizer step is taken because its first use imports much of torch.
"""

import torch

# what a trial needs
import blocks.topology  # noqa: F401
import experiments.making
import experiments.measure
import experiments.tasks
import experiments.training.trial  # noqa: F401

torch.set_num_threads(1)
_weight = torch.nn.Parameter(torch.zeros(2))
_weight.sum().backward()  # type: ignore[no-untyped-call]
torch.optim.AdamW([_weight]).step()
