"""The memory of one training step, counted without computing anything: on the meta device."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from experiments.start.adapting import adapted
from experiments.training_pass import Pass, carries, training_pass
from registry import build
from registry.assembly import assemble_block, builder
from registry.catalog import Catalog

_DTYPES = {"64-true": torch.float64, "bf16-true": torch.bfloat16, "16-true": torch.float16}


@dataclass(frozen=True)
class StepMemory:
    """In bytes. weights: parameters and buffers. optimizer: what it keeps from step to step.

    saved: what autograd keeps of the forward pass until the backward pass has used it.
    """

    weights: int
    gradients: int
    optimizer: int
    saved: int

    @property
    def total(self) -> int:
        return self.weights + self.gradients + self.optimizer + self.saved


def step_memory(full: Mapping[str, Any], catalog: Catalog, batch: int, length: int) -> StepMemory:
    """Of a full spec with the sizes that its data know, for batches of `batch` rows of `length` tokens.

    Each piece of memory counts once, however many tensors look at it. Counted is what the kernels of the CPU keep, the
    whole batch on one device, to compare models rather than to fit a machine: gradients and what is saved are added
    although they replace each other on the way back. Left out: what only lives while a single operation runs or while
    its gradient is on the way, masks and the like that a kernel keeps beside autograd, the batch itself, the
    allocator's waste, and the program. The loss counts as a cross-entropy of the logits; mixed precision as 32 bits.

    Raises SpecError, and what the model or the optimizer raises where they need numbers.
    """
    with torch.device("meta"):
        model = adapted(assemble_block(full["model"], catalog), full).train()
    model.to(dtype=_DTYPES.get(full["trainer"]["precision"], torch.float32))
    trained = [p for p in model.parameters() if p.requires_grad]
    gradients = _bytes(trained)
    optimizer = _optimizer_state(full, catalog, model, trained)
    saved = _saved(training_pass(model, batch, length, carried=carries(full)), model)
    return StepMemory(_bytes([*model.parameters(), *model.buffers()]), gradients, optimizer, saved)


def _optimizer_state(full: Mapping[str, Any], catalog: Catalog, model: nn.Module, trained: list[nn.Parameter]) -> int:
    """What the optimizer has after a step, which is taken on the meta device."""
    optimizer: torch.optim.Optimizer = build(builder(full["optimizer"], "optimizer", catalog)).build(model)
    for parameter in trained:
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    for parameter in trained:
        parameter.grad = None
    held = (value for state in optimizer.state.values() for value in state.values())
    return _bytes(value for value in held if isinstance(value, Tensor))


def _saved(run: Pass, model: nn.Module) -> int:
    """What autograd keeps of the pass and its loss, the weights not counted again."""
    own = {t.untyped_storage()._cdata for t in [*model.parameters(), *model.buffers()]}
    kept: list[Tensor] = []

    def keep(tensor: Tensor) -> Tensor:
        kept.append(tensor)
        return tensor

    # a kernel on the meta device may keep something else than the CPU's
    with _CpuAttention(), torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        # held on to until everything is counted, so that no memory is given out twice
        loss = run().log_softmax(-1).mean()
    found = _bytes(tensor for tensor in kept if tensor.untyped_storage()._cdata not in own)
    del loss
    return found


def _bytes(tensors: Iterable[Tensor]) -> int:
    storages = {t.untyped_storage()._cdata: t.untyped_storage().nbytes() for t in tensors}
    return sum(storages.values())


class _CpuAttention(TorchFunctionMode):
    """Attention on the meta device takes the fused kernel wherever the CPU would; else it saves every weight."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is functional.scaled_dot_product_attention:
            return _attention(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))


def _attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    **more: Any,
) -> Tensor:
    """`scaled_dot_product_attention`, with the choice of kernel that torch makes on the CPU."""
    learned = attn_mask is not None and attn_mask.requires_grad
    plain = q.shape[-1] == k.shape[-1] == v.shape[-1] and all(t.stride(-1) == 1 for t in (q, k, v))
    if not q.is_meta or dropout_p or learned or not plain or more.get("enable_gqa"):
        return functional.scaled_dot_product_attention(q, k, v, attn_mask, dropout_p, is_causal, **more)
    if attn_mask is not None and attn_mask.dtype == torch.bool:
        attn_mask = torch.where(attn_mask, torch.zeros((), dtype=q.dtype, device=q.device), -torch.inf)
    fused = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    out: Tensor = fused(q, k, v, 0.0, is_causal, attn_mask=attn_mask, scale=more.get("scale"))[0]
    return out
