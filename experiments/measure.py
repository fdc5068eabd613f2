"""Parameters and arithmetic of a model, counted without computing anything: on the meta device."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.func import functional_call
from torch.utils.flop_counter import FlopCounterMode

if TYPE_CHECKING:
    from registry.catalog import Catalog

aten = torch.ops.aten

TRAINING = 3
"""Training costs so many forward passes: going back takes one product for the inputs and one for the weights."""


def parameters_by_part(model: nn.Module) -> dict[str, int]:
    """Parameters by the family of the innermost part that holds them, the largest first; shared ones count once."""
    counts: Counter[str] = Counter()
    seen: set[int] = set()

    def visit(module: nn.Module, family: str) -> None:
        family = getattr(module, "family", family)
        for parameter in module.parameters(recurse=False):
            if id(parameter) not in seen:
                seen.add(id(parameter))
                counts[family] += parameter.numel()
        for child in module.children():
            visit(child, family)

    visit(model, "model")
    return dict(counts.most_common())


def flops_per_token(model: nn.Module, length: int, *, batch: int = 1) -> float:
    """Floating-point operations of a forward pass over `length` tokens, divided by their number.

    Counts what the matrix products compute, a multiplication and an addition each, including tiles that a window only
    partly needs and the half of the scores that a causal mask hides; not elementwise operations and not look-ups.
    A model that reads a source is given one of `length` tokens too, and its cost belongs to the target's tokens.
    The sequence is cut to what the model's positions can tell apart.
    """
    longest = getattr(model, "longest", None)
    length = length if longest is None else min(length, longest)
    return flops(model, length, batch=batch) / (batch * length)


def flops(model: nn.Module, length: int, *, batch: int = 1) -> int:
    """The same of a forward pass over `model.example(batch, length)`, as a whole; convolutions count too."""
    try:
        return _count(model, length, batch, torch.device("meta"))
    except (NotImplementedError, RuntimeError, TypeError):
        # a part that reads numbers out of its tensors cannot run without them
        return _count(model, length, batch, next(model.parameters()).device)


def _count(model: Any, length: int, batch: int, device: torch.device) -> int:
    with device:
        inputs = model.example(batch, length)
    there = {name: t.detach().to(device) for name, t in [*model.named_parameters(), *model.named_buffers()]}
    with _evaluating(model), torch.no_grad():
        return flops_of(lambda: functional_call(model, there, (), inputs))


def flops_of(call: Callable[[], Any]) -> int:
    """What a call computes in matrix products and convolutions, a multiplication and an addition each."""
    with FlopCounterMode(display=False, custom_mapping=_MORE) as counter:
        call()
    return counter.get_total_flops()


def facts(
    model: nn.Module, length: int, full: Mapping[str, Any] | None = None, catalog: Catalog | None = None
) -> dict[str, Any]:
    """What a summary says of a model, for sequences of that length.

    full: the spec it was trained by, for what the training costs: "training_flops", of all the steps that it asks for,
    and "memory_counted_mb", of a step (see `step_memory`); each null where it cannot be counted.
    """
    found: dict[str, Any] = {
        "parameters_by_part": parameters_by_part(model),
        "flops_per_token": flops_per_token(model, length),
    }
    if full is not None and catalog is not None:
        from experiments.training_cost import training_facts

        found |= training_facts(full, catalog)
    return found


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """The model in evaluation mode, and each of its modules back as it was."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True


def _batched(a: Any, b: Any, *_: Any, **__: Any) -> int:
    """[b q d] x [b d k]; shapes, the sum's own shape left out."""
    return int(2 * a[0] * a[1] * a[2] * b[2])


def _single(a: Any, b: Any, *_: Any, **__: Any) -> int:
    """[q d] x [d k]."""
    return int(2 * a[0] * a[1] * b[1])


def _into(product: Callable[..., int]) -> Callable[..., int]:
    def count(_: Any, a: Any, b: Any, *__: Any, **___: Any) -> int:
        return product(a, b)

    return count


def _attention(q: Any, k: Any, v: Any, *_: Any, **__: Any) -> int:
    """[b h q d], [b h k d], [b h k e]: scores and weighted sum."""
    return int(2 * q[0] * q[1] * q[2] * k[2] * (q[3] + v[3]))


# torch's own table leaves out what writes into a given tensor, and the fused attention of the CPU
_MORE: dict[Any, Any] = {
    aten.baddbmm_: _into(_batched),
    aten.addmm_: _into(_single),
    aten.addbmm: _into(_batched),
    aten._scaled_dot_product_flash_attention_for_cpu: _attention,
}
