"""Softmax attention in a band around the diagonal, plus a few keys that many queries share.

Query i sees the keys j with i - before <= j <= i + after, and the extra keys. The queries are taken in blocks; a block
sees one slice of the keys, so nothing of size n x n, and no copy of the windows, is ever made.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from blocks.kernels.dense import dense_attention
from blocks.kernels.flash import additive, flash, flash_backward, fusable, mix_, rows_in_memory, spread
from blocks.kernels.tiles import Block, Tile, Tiles, plan


def band_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    *,
    before: int,
    after: int,
    key_valid: Tensor | None = None,
    tile: Tile | None = None,
    tile_shift_invariant: bool = False,
    k_extra: Tensor | None = None,
    v_extra: Tensor | None = None,
    allow_extra: Tensor | None = None,
    drop: Tensor | None = None,
    scale: float | None = None,
    softcap: float | None = None,
    dropout: float = 0.0,
    block: int | None = None,
) -> Tensor:
    """Attention in the band and over the extra keys, one softmax; a row that sees nothing is 0.

    `tile(q_rows, k_rows)`, with row numbers [t q] and [t k], narrows the band and adds a score bias: it returns
    (allow [b|1 t q k] or None, bias [b|1 h|1 t q k] or None). It is called again in the backward pass, so it must be a
    pure function. With `tile_shift_invariant` its answer depends on k_rows - q_rows alone and is asked for once.
    `drop` hides keys from the band because they stand among the extra ones. `block` is the number of queries per tile.

    Shapes: q, k and v [b h n d], key_valid and drop [b n], k_extra and v_extra [b h g d],
    allow_extra [b|1 1|h n g] or [b|1 g] -> [b h n d].
    """
    if before < 0 or after < 0:
        raise ValueError(f"a band reaches before >= 0 and after >= 0 rows, not {before} and {after}")
    n = q.shape[2]
    if k.shape[2] != n:
        raise ValueError(f"a band needs as many keys as queries, not {k.shape[2]} keys and {n} queries")
    scale = q.shape[-1] ** -0.5 if scale is None else scale
    usable = key_valid
    if drop is not None:
        usable = ~drop if usable is None else usable & ~drop
    if allow_extra is not None and allow_extra.dim() == 2:
        allow_extra = allow_extra[:, None, None, :]
    if k_extra is not None and k_extra.shape[2] == 0:
        k_extra = v_extra = None
    if k_extra is not None and v_extra is not None:
        k_extra, v_extra = rows_in_memory(k_extra), rows_in_memory(v_extra)
    if tile is None and k_extra is None and before >= n - 1 and (after == 0 or after >= n - 1):
        allow = None if usable is None else usable[:, None, None, :]
        return dense_attention(q, k, v, allow=allow, causal=after == 0, scale=scale, softcap=softcap, dropout=dropout)
    blocks = plan(n, before, after, block)
    tiles = Tiles(blocks, before, after, usable, tile, tile_shift_invariant, q.dtype, q.device)
    if softcap is None and dropout == 0.0 and fusable(q, k, v, k_extra, v_extra) and not tiles.learned():
        out: Tensor = _Band.apply(  # type: ignore[no-untyped-call]
            rows_in_memory(q), rows_in_memory(k), rows_in_memory(v), k_extra, v_extra, tiles, allow_extra, scale
        )
        return out
    return _plain(q, k, v, k_extra, v_extra, tiles, allow_extra, scale, softcap, dropout)


def _plain(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    k_extra: Tensor | None,
    v_extra: Tensor | None,
    tiles: Tiles,
    allow_extra: Tensor | None,
    scale: float,
    softcap: float | None,
    dropout: float,
) -> Tensor:
    # Slicing k once per block would make the backward write n rows for every block: cut it into blocks once instead.
    size = tiles.blocks[0].q1
    k_cut, v_cut = torch.split(k, size, 2), torch.split(v, size, 2)
    outs = []
    for at in tiles.blocks:
        keys, values = _join(k_cut, at, size), _join(v_cut, at, size)
        allow, bias = tiles.parts(at)
        if k_extra is not None and v_extra is not None:
            keys, values = torch.cat([k_extra, keys], 2), torch.cat([v_extra, values], 2)
            allow = _beside(_extra_rows(allow_extra, at), allow, k_extra.shape[2])
            if bias is not None:
                bias = torch.cat([bias.new_zeros(*bias.shape[:-1], k_extra.shape[2]), bias], -1)
        outs.append(
            dense_attention(
                q[:, :, at.q0 : at.q1], keys, values,
                allow=allow, bias=bias, scale=scale, softcap=softcap, dropout=dropout,
            )
        )  # fmt: skip
    return torch.cat(outs, 2)


def _join(cut: tuple[Tensor, ...], at: Block, size: int) -> Tensor:
    first, last = at.k0 // size, (at.k1 - 1) // size
    rows = torch.cat(cut[first : last + 1], 2)
    return rows[:, :, at.k0 - first * size : at.k1 - first * size]


def _beside(extra: Tensor | None, band: Tensor, g: int) -> Tensor:
    n_q = band.shape[2]
    extra = band.new_ones(1, 1, n_q, g) if extra is None else spread(extra, 4, n_q, g)
    lead = [max(sizes) for sizes in zip(extra.shape[:2], band.shape[:2], strict=True)]
    return torch.cat([extra.expand(*lead, -1, -1), band.expand(*lead, -1, -1)], -1)


def _extra_rows(allow_extra: Tensor | None, at: Block) -> Tensor | None:
    if allow_extra is None or allow_extra.shape[2] == 1:
        return allow_extra
    return allow_extra[:, :, at.q0 : at.q1]


class _Band(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        k_extra: Tensor | None,
        v_extra: Tensor | None,
        tiles: Tiles,
        allow_extra: Tensor | None,
        scale: float,
    ) -> Tensor:
        b, h, n, d = q.shape
        # The kernel's own layout, so that the slices below are written and read without a change of layout.
        out = q.new_empty(b, n, h, d).transpose(1, 2)
        lse = q.new_empty(b, n, h).transpose(1, 2)
        for at in tiles.blocks:
            rows, keys = slice(at.q0, at.q1), slice(at.k0, at.k1)
            mask, may_be_empty = tiles.mask(at)
            out[:, :, rows], lse[:, :, rows] = flash(
                q[:, :, rows], k[:, :, keys], v[:, :, keys], mask, scale, may_be_empty=may_be_empty
            )
        if k_extra is not None and v_extra is not None:
            for rows in _rows(n):
                mask = _extra_mask(allow_extra, rows, k_extra)
                part, part_lse = flash(q[:, :, rows], k_extra, v_extra, mask, scale, may_be_empty=True)
                lse[:, :, rows] = mix_(out[:, :, rows], lse[:, :, rows], part, part_lse)
        lse.masked_fill_(lse == -torch.inf, 0.0)
        ctx.save_for_backward(q, k, v, k_extra, v_extra, out, lse)
        ctx.tiles, ctx.allow_extra, ctx.scale = tiles, allow_extra, scale
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
        q, k, v, k_extra, v_extra, out, lse = ctx.saved_tensors
        grad, scale = rows_in_memory(grad), ctx.scale
        b, h, n, d = q.shape
        grad_q = q.new_empty(b, n, h, d).transpose(1, 2)
        grad_k, grad_v = (q.new_zeros(b, n, h, d).transpose(1, 2) for _ in range(2))
        grad_ke, grad_ve = (None, None) if k_extra is None else (torch.zeros_like(k_extra), torch.zeros_like(v_extra))
        for at in ctx.tiles.blocks:
            rows, keys = slice(at.q0, at.q1), slice(at.k0, at.k1)
            g, x, o, s = (tensor[:, :, rows] for tensor in (grad, q, out, lse))
            mask, _ = ctx.tiles.mask(at)
            part_q, part_k, part_v = flash_backward(g, x, k[:, :, keys], v[:, :, keys], o, s, mask, scale)
            grad_q[:, :, rows] = part_q
            # Not `+=`, which would write the slice a second time.
            grad_k[:, :, keys].add_(part_k)
            grad_v[:, :, keys].add_(part_v)
        if grad_ke is not None and grad_ve is not None:
            for rows in _rows(n):
                g, x, o, s = (tensor[:, :, rows] for tensor in (grad, q, out, lse))
                mask = _extra_mask(ctx.allow_extra, rows, k_extra)
                part_q, part_k, part_v = flash_backward(g, x, k_extra, v_extra, o, s, mask, scale)
                grad_q[:, :, rows].add_(part_q)
                grad_ke.add_(part_k)
                grad_ve.add_(part_v)
        return grad_q, grad_k, grad_v, grad_ke, grad_ve, None, None, None


def _rows(n: int) -> list[slice]:
    # The extra keys need no tiles; the rows are cut only to keep what is in flight small.
    return [slice(start, min(start + 1024, n)) for start in range(0, n, 1024)]


def _extra_mask(allow: Tensor | None, rows: slice, k_extra: Tensor) -> Tensor | None:
    if allow is None:
        return None
    here = allow if allow.shape[2] == 1 else allow[:, :, rows]
    mask = additive(here, None, k_extra.dtype)
    return None if mask is None else spread(mask, 4, rows.stop - rows.start, k_extra.shape[2])
