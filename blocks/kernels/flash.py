"""The fused softmax attention of torch on the CPU, forward and backward, with the log-sum-exp of every row.

The public `scaled_dot_product_attention` keeps the log-sum-exp to itself. It is what makes attention over a union of
disjoint key sets cheap: the whole is the mix of the parts, weighted by exp(lse_part - lse_whole), and the backward of
every part is right when it is given the output and the log-sum-exp of the whole.
"""

from __future__ import annotations

import torch
from torch import Tensor

_forward = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
_backward = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward


def fusable(*tensors: Tensor | None) -> bool:
    """Whether the fused kernel takes these q, k and v: float32 or float64 on the CPU, outside transforms and export.

    On the meta device it works out shapes, so that what is counted there is what the CPU would do.
    """
    given = [tensor for tensor in tensors if tensor is not None]
    # what reads an exported graph knows the public function, not the kernel below it
    if torch._C._are_functorch_transforms_active() or torch.compiler.is_exporting():
        return False
    same = all(tensor.dtype == given[0].dtype and tensor.shape[-1] == given[0].shape[-1] for tensor in given)
    able = given[0].dtype in (torch.float32, torch.float64) and all(t.device.type in ("cpu", "meta") for t in given)
    return same and able


def rows_in_memory(tensor: Tensor) -> Tensor:
    """The tensor itself when its last axis is contiguous, as the kernel silently assumes, otherwise a copy."""
    return tensor if tensor.stride(-1) == 1 or tensor.shape[-1] == 1 else tensor.contiguous()


def additive(allow: Tensor | None, bias: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    """One mask to add to the scores: the bias where allowed, minus infinity elsewhere; None when neither is given."""
    if allow is None:
        return None if bias is None else bias.to(dtype)
    if bias is None:
        bias = torch.zeros((), dtype=dtype, device=allow.device)
    return torch.where(allow, bias.to(dtype), -torch.inf)


def spread(mask: Tensor, rank: int, n_q: int, n_k: int) -> Tensor:
    """The mask as a view of the given rank with its last two axes in full; other axes of 1 stay 1."""
    mask = mask[(None,) * (rank - mask.dim())]
    return mask.expand(*mask.shape[:-2], n_q, n_k)


def flash(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, scale: float, *, may_be_empty: bool
) -> tuple[Tensor, Tensor]:
    """Attention and the log-sum-exp of its scores; a row that sees nothing has output 0 and log-sum-exp -inf.

    `may_be_empty` says that some row of the mask may hide every key. It costs a pass over the mask: the kernel reports
    0 for such a row, which a visible row can have as well.

    Shapes: q [b h q d], k and v [b h k d], mask [b|1 h|1 q k] -> [b h q d], [b h q].
    """
    out, lse = _forward(q, k, v, attn_mask=mask, scale=scale)
    if mask is not None and may_be_empty:
        lse.masked_fill_((mask == -torch.inf).all(-1), -torch.inf)
    return out, lse


def flash_backward(
    grad: Tensor, q: Tensor, k: Tensor, v: Tensor, out: Tensor, lse: Tensor, mask: Tensor | None, scale: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of q, k and v. `out` and `lse` may belong to a union of which k and v are one part; lse is finite."""
    grads: tuple[Tensor, Tensor, Tensor] = _backward(grad, q, k, v, out, lse, 0.0, False, attn_mask=mask, scale=scale)
    return grads


def mix_(out: Tensor, lse: Tensor, other: Tensor, other_lse: Tensor) -> Tensor:
    """Turn `out` (in place) into attention over both key sets and return the log-sum-exp of the whole.

    Shapes: out and other [b h q d], lse and other_lse [b h q] -> [b h q].
    """
    # Rows that see nothing in either set have no difference; any weight does, for both outputs are 0.
    weight = torch.sigmoid(other_lse - lse).nan_to_num_(nan=0.5)
    out.lerp_(other, weight.unsqueeze(-1))
    return torch.logaddexp(lse, other_lse)
