"""What a whole training costs, from a full spec alone: steps, tokens, arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from experiments.data import Data
from experiments.making import make_data
from experiments.measure import TRAINING, flops_of
from experiments.step_memory import step_memory
from experiments.training.options import trainer_arguments
from experiments.training_pass import carries, training_pass
from registry.assembly import assemble_block
from registry.catalog import Catalog
from registry.errors import Problem, SpecError

Full = Mapping[str, Any]


def training_steps(full: Full, data: Data) -> int:
    """Optimizer steps that the spec asks for; reads the data where it asks for passes over them.

    Raises SpecError when nothing says where the training ends, BadData.
    """
    options = full["trainer"]
    if options["max_steps"] is None and options["max_epochs"] is None:
        raise SpecError([Problem("trainer", "set max_steps or max_epochs, or the training would never end")])
    if options["max_epochs"] is None:
        return int(options["max_steps"])
    data.prepare()
    return int(trainer_arguments(options, len(data.train_loader()))["max_steps"])


def tokens_per_step(full: Full, data: Data) -> int:
    """Tokens of an optimizer step, every row as long as the data allow."""
    return int(data.batch_size * data.positions(full["model"]) * full["trainer"]["accumulate_grad_batches"])


def flops_per_step(full: Full, data: Data, catalog: Catalog) -> int:
    """Floating-point operations of an optimizer step, every row as long as the data allow.

    Three times the forward pass, see `TRAINING`. full: with the sizes that the data know.
    """
    with torch.device("meta"):
        model = assemble_block(full["model"], catalog).eval()
    with torch.no_grad():
        # rows cost the same each
        forward = flops_of(training_pass(model, 1, data.positions(full["model"]), carried=carries(full)))
    return int(TRAINING * forward * data.batch_size * full["trainer"]["accumulate_grad_batches"])


def training_facts(full: Full, catalog: Catalog) -> dict[str, float | None]:
    """What a summary says of the training of a full spec; null for what its parts do not let count."""
    data = make_data(full, catalog)
    # building draws the seed of the initial weights
    with torch.random.fork_rng(devices=[]):
        return {
            "training_flops": _unless_it_fails(
                lambda: flops_per_step(full, data, catalog) * training_steps(full, data),
            ),
            "memory_counted_mb": _unless_it_fails(
                lambda: step_memory(full, catalog, data.batch_size, data.positions(full["model"])).total / 2**20,
            ),
        }


def _unless_it_fails(count: Callable[[], float]) -> float | None:
    try:
        return count()
    except Exception:
        # a part that reads numbers out of its tensors cannot run without them; no trial is lost for that
        return None
