from __future__ import annotations

import pytest
import torch
from einops import rearrange

from blocks.kernels import KeySet, union_attention

from .reference import attention

VARIANTS = {"fused": {}, "softcap": {"softcap": 1.2}, "scale": {"scale": 0.9}}


def normal(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(("b", "h", "n", "sizes"), [(1, 1, 1, (1,)), (2, 3, 5, (4, 7)), (1, 2, 9, (3, 1, 0, 2))])
def test_shared_sets(same, variant: str, masked: bool, b: int, h: int, n: int, sizes: tuple[int, ...]) -> None:
    inputs = [normal(b, h, n, 4)]
    for size in sizes:
        inputs += [normal(b, h, size, 4), normal(b, h, size, 4)]
    allows = [torch.rand(b, h, n, size) > 0.5 for size in sizes]
    for allow in allows:
        # One row that sees nothing at all, one that sees nothing in the first set.
        allow[0, 0, 0] = False
    allows[0][:, :, -1] = False
    allow = torch.cat(allows, -1) if masked else torch.ones(b, h, n, sum(sizes), dtype=torch.bool)

    def fast(q, *keys):
        given = allows if masked else [None] * len(sizes)
        sets = [KeySet(k, v, a) for k, v, a in zip(keys[::2], keys[1::2], given, strict=True)]
        return union_attention(q, sets, **VARIANTS[variant])

    def slow(q, *keys):
        return attention(q, torch.cat(keys[::2], 2), torch.cat(keys[1::2], 2), allow, **VARIANTS[variant])

    same(fast, slow, inputs)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(
    ("lead", "learned"), [((1, 1, 1), False), ((2, 1, 4), False), ((1, 3, 1), True), ((2, 3, 4), True)]
)
def test_window_views_and_shared_keys(same, variant: str, lead: tuple[int, int, int], learned: bool) -> None:
    b, h, t, size, g = 2, 3, 4, 3, 2
    n = t * size
    padded = n + 2 * size
    allow = torch.rand(*lead, size, 3 * size) > 0.4
    allow[..., 0, :] = False

    def fast(q, k, v, k_shared, v_shared, bias):
        window = [rearrange(x.unfold(2, 3 * size, size), "b h t d k -> b h t k d") for x in (k, v)]
        bias = bias if learned else bias.detach()
        sets = [KeySet(window[0], window[1], allow, bias), KeySet(k_shared, v_shared)]
        return union_attention(q, sets, **VARIANTS[variant])

    def slow(q, k, v, k_shared, v_shared, bias):
        bias = bias if learned else bias.detach()
        whole = torch.zeros(b, h, n, padded + g, dtype=torch.bool)
        biases = torch.zeros(b, h, n, padded + g, dtype=torch.float64)
        whole[..., padded:] = True
        for block in range(t):
            rows, keys = slice(block * size, (block + 1) * size), slice(block * size, (block + 3) * size)
            whole[:, :, rows, keys] = allow.expand(b, h, t, size, 3 * size)[:, :, block]
            biases[:, :, rows, keys] = bias.expand(b, h, t, size, 3 * size)[:, :, block]
        keys, values = torch.cat([k, k_shared], 2), torch.cat([v, v_shared], 2)
        return attention(q, keys, values, whole, biases, **VARIANTS[variant])

    shapes = [(b, h, n, 4), (b, h, padded, 4), (b, h, padded, 4), (b, h, g, 4), (b, h, g, 4), (1, h, 1, size, 3 * size)]
    same(fast, slow, [normal(*shape) for shape in shapes])


def test_one_key_seen_with_score_zero(same) -> None:
    # Its log-sum-exp is 0, which the fused kernel also reports for a row that sees nothing.
    allow = torch.tensor([[True, False]])
    same(
        lambda k, v: union_attention(torch.zeros_like(k), [KeySet(k, v, allow), KeySet(k, v, ~allow)]),
        lambda k, v: attention(torch.zeros_like(k), k, v, torch.ones(2, 2, dtype=torch.bool)),
        [normal(1, 1, 2, 4), normal(1, 1, 2, 4)],
    )


def test_no_sets() -> None:
    q = normal(1, 1, 2, 4)
    assert (union_attention(q, []) == 0).all()


def test_dropout_keeps_the_mean() -> None:
    q, sets = normal(1, 1, 2, 4), [KeySet(normal(1, 1, 3, 4), normal(1, 1, 3, 4)) for _ in range(2)]
    draws = torch.stack([union_attention(q, sets, dropout=0.5) for _ in range(4000)])
    torch.testing.assert_close(draws.mean(0), union_attention(q, sets), rtol=0.0, atol=0.06)
    assert draws.std(0).max() > 0.05


def test_float32() -> None:
    q, sets = normal(1, 2, 40, 8), [KeySet(normal(1, 2, m, 8), normal(1, 2, m, 8)) for m in (40, 3)]
    out = union_attention(q.float(), [KeySet(one.k.float(), one.v.float()) for one in sets])
    torch.testing.assert_close(out.double(), union_attention(q, sets), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("width", [4, 5])
def test_any_strides_and_a_value_width_of_its_own(same, width: int) -> None:
    def columns(x: torch.Tensor) -> torch.Tensor:
        return x.mT.contiguous().mT

    same(
        lambda q, k, v, k2, v2: columns(
            union_attention(columns(q), [KeySet(columns(k), columns(v)), KeySet(columns(k2), columns(v2))])
        ),
        lambda q, k, v, k2, v2: attention(
            q, torch.cat([k, k2], 2), torch.cat([v, v2], 2), torch.ones(6, 8, dtype=torch.bool)
        ),
        [normal(2, 2, 6, 4), normal(2, 2, 5, 4), normal(2, 2, 5, width), normal(2, 2, 3, 4), normal(2, 2, 3, width)],
    )
