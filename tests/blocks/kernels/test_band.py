from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from blocks.kernels import band_attention

from .reference import attention, band

PATHS = {"fused": {}, "plain": {"softcap": 1.3}}
SHAPES = [
    (1, 1, 1, 0, 0, None),
    (2, 2, 5, 8, 8, None),
    (1, 3, 7, 2, 0, 3),
    (2, 1, 13, 0, 3, 4),
    (1, 2, 17, 3, 2, 2),
    (2, 2, 16, 3, 3, 4),
    (1, 1, 9, 20, 1, 2),
    (1, 2, 6, 9, 0, None),
    (2, 1, 5, 4, 7, None),
    (1, 1, 6, 4, 0, None),
    (1, 1, 6, 9, 4, None),
]


def normal(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def qkv(b: int, h: int, n: int, d: int = 4) -> list[Tensor]:
    return [normal(b, h, n, d) for _ in range(3)]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("b", "h", "n", "before", "after", "block"), SHAPES)
def test_equals_reference(same, path: str, b: int, h: int, n: int, before: int, after: int, block: int | None) -> None:
    same(
        lambda q, k, v: band_attention(q, k, v, before=before, after=after, block=block, **PATHS[path]),
        lambda q, k, v: attention(q, k, v, band(n, before, after), **PATHS[path]),
        qkv(b, h, n),
    )


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("padding", ["left", "right", "holes"])
@pytest.mark.parametrize(("b", "h", "n", "before", "after", "block"), SHAPES)
def test_padding_and_extra_keys(same, path, padding, b, h, n, before, after, block) -> None:
    g = 3
    valid = torch.rand(b, n) > 0.5
    if padding != "holes":
        valid = torch.arange(n).expand(b, n) >= (torch.arange(b)[:, None] + n // 2)
        valid = valid.flip(1) if padding == "right" else valid
    drop = torch.rand(b, n) > 0.7
    # Per-row counts of extra keys, down to none; and, in the second round, a choice for every query.
    for allow_extra in (torch.arange(g) < torch.arange(b)[:, None] * 2, torch.rand(b, h, n, g) > 0.6):
        extra = allow_extra if allow_extra.dim() == 4 else allow_extra[:, None, None, :].expand(b, 1, n, g)
        seen = band(n, before, after) & (valid & ~drop)[:, None, None, :]
        allow = torch.cat([x.expand(b, h, n, -1) for x in (seen, extra)], -1)

        def fast(q, k, v, k_extra, v_extra, allow_extra=allow_extra):
            return band_attention(
                q, k, v, before=before, after=after, key_valid=valid, drop=drop, block=block,
                k_extra=k_extra, v_extra=v_extra, allow_extra=allow_extra, **PATHS[path],
            )  # fmt: skip

        def slow(q, k, v, k_extra, v_extra, allow=allow):
            return attention(q, torch.cat([k, k_extra], 2), torch.cat([v, v_extra], 2), allow, **PATHS[path])

        same(fast, slow, [*qkv(b, h, n), normal(b, h, g, 4), normal(b, h, g, 4)])


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("b", "h", "n", "before", "after", "block"), SHAPES)
def test_segments_and_a_learned_bias(same, path, b, h, n, before, after, block) -> None:
    segment = torch.randint(0, 2, (b, n))

    for learned, invariant in itertools.product((False, True), (False, True)):

        def fast(q, k, v, k_extra, v_extra, slope, learned=learned, invariant=invariant):
            def tile(q_rows: Tensor, k_rows: Tensor) -> tuple[Tensor | None, Tensor | None]:
                assert q_rows.min() >= 0
                assert max(q_rows.max(), k_rows.max()) < n
                apart = (k_rows[:, None, :] - q_rows[:, :, None]).double()
                bias = (slope if learned else slope.detach())[None, :, None, None, None] * apart.abs()
                same_segment = segment[:, q_rows][..., None] == segment[:, k_rows][..., None, :]
                return None if invariant else same_segment, bias

            return band_attention(
                q, k, v, before=before, after=after, block=block, tile=tile, tile_shift_invariant=invariant,
                k_extra=k_extra, v_extra=v_extra, **PATHS[path],
            )  # fmt: skip

        def slow(q, k, v, k_extra, v_extra, slope, learned=learned, invariant=invariant):
            rows = torch.arange(n)
            bias = (slope if learned else slope.detach())[:, None, None] * (rows - rows[:, None]).abs().double()
            allow = (band(n, before, after) & (invariant | (segment[:, :, None] == segment[:, None])))[:, None]
            allow = torch.cat([allow, torch.ones(len(allow), 1, n, 2, dtype=torch.bool)], -1)
            bias = torch.cat([bias, torch.zeros(h, n, 2, dtype=torch.float64)], -1)
            return attention(q, torch.cat([k, k_extra], 2), torch.cat([v, v_extra], 2), allow, bias, **PATHS[path])

        same(fast, slow, [*qkv(b, h, n), normal(b, h, 2, 4), normal(b, h, 2, 4), normal(h)])


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("g", [0, 2])
def test_a_segment_mask_may_empty_a_row(same, path: str, g: int) -> None:
    def tile(q_rows: Tensor, k_rows: Tensor) -> tuple[Tensor | None, Tensor | None]:
        return ((q_rows % 3 != 0)[:, :, None] & (k_rows >= 0)[:, None, :])[None], None

    allow = band(10, 2, 1) & (torch.arange(10) % 3 != 0)[:, None]
    allow = torch.cat([allow, torch.ones(10, g, dtype=torch.bool)], -1)
    same(
        lambda q, k, v, k_extra, v_extra: band_attention(
            q, k, v, before=2, after=1, tile=tile, block=4, k_extra=k_extra, v_extra=v_extra, **PATHS[path]
        ),
        lambda q, k, v, k_extra, v_extra: attention(
            q, torch.cat([k, k_extra], 2), torch.cat([v, v_extra], 2), allow, **PATHS[path]
        ),
        [*qkv(2, 1, 10), normal(2, 1, g, 4), normal(2, 1, g, 4)],
    )


def test_a_shift_invariant_tile_is_asked_for_once() -> None:
    asked = []

    def tile(q_rows: Tensor, k_rows: Tensor) -> tuple[Tensor | None, Tensor | None]:
        asked.append(q_rows[0, 0].item())
        return None, (k_rows[:, None, :] - q_rows[:, :, None])[None, None].double()

    q, k, v = qkv(1, 1, 64)
    band_attention(q, k, v, before=4, after=4, tile=tile, tile_shift_invariant=True, block=4)
    # Once for each shape at the ends of the sequence and once for all fourteen tiles between.
    assert set(asked) == {0, 4, 60}


@pytest.mark.parametrize("path", PATHS)
def test_no_reach_beyond_the_band(path: str) -> None:
    q, k, v = qkv(1, 2, 40)
    out = band_attention(q, k, v, before=5, after=0, block=8, **PATHS[path])
    k[:, :, 20] *= 1e4
    v[:, :, 20] += 1e4
    changed = (band_attention(q, k, v, before=5, after=0, block=8, **PATHS[path]) - out).abs().amax((0, 1, 3)) > 0
    assert changed.nonzero()[:, 0].tolist() == list(range(20, 26))


@pytest.mark.parametrize("path", PATHS)
def test_never_n_by_n(largest, path: str) -> None:
    n, width = 2048, 32
    q, k, v = (torch.randn(1, 1, n, 8, requires_grad=True) for _ in range(3))
    with largest() as mode:
        band_attention(
            q, k, v, before=width, after=width, key_valid=torch.rand(1, n) > 0.1, **PATHS[path]
        ).sum().backward()
    assert mode.numel <= n * 16


def test_the_backward_keeps_no_windows() -> None:
    kept = []

    def pack(tensor: Tensor) -> Tensor:
        kept.append(tensor.untyped_storage().nbytes())
        return tensor

    n, d = 1024, 8
    q, k, v = (torch.randn(1, 1, n, d, requires_grad=True) for _ in range(3))
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda x: x):
        band_attention(q, k, v, before=64, after=64)
    # q, k, v, the output and a number for every row.
    assert sum(kept) == 4 * (4 * n * d + n)


def test_float32_and_any_block_size() -> None:
    q, k, v = qkv(2, 2, 300, 8)
    expected = band_attention(q, k, v, before=40, after=20, block=300)
    torch.testing.assert_close(band_attention(q, k, v, before=40, after=20, block=37), expected, rtol=1e-9, atol=1e-9)
    out = band_attention(q.float(), k.float(), v.float(), before=40, after=20)
    torch.testing.assert_close(out.double(), expected, rtol=1e-5, atol=1e-5)


def test_a_mask_made_in_inference_mode_serves_training() -> None:
    slope = torch.ones((), dtype=torch.float64, requires_grad=True)

    def tile(q_rows: Tensor, k_rows: Tensor) -> tuple[Tensor | None, Tensor | None]:
        return None, slope * (k_rows[:, None, :] - q_rows[:, :, None])[None, None].double()

    q, k, v = qkv(1, 1, 19)
    with torch.inference_mode():
        band_attention(q, k, v, before=3, after=0, block=6, tile=tile)
    band_attention(q, k, v, before=3, after=0, block=6, tile=tile).sum().backward()
    assert slope.grad is not None


def test_dropout_keeps_the_mean() -> None:
    q, k, v = qkv(1, 1, 6)
    draws = torch.stack([band_attention(q, k, v, before=1, after=1, block=3, dropout=0.5) for _ in range(4000)])
    torch.testing.assert_close(draws.mean(0), band_attention(q, k, v, before=1, after=1), rtol=0.0, atol=0.08)
    assert draws.std(0).max() > 0.05


def test_a_wrong_band_is_an_error() -> None:
    q, k, v = qkv(1, 1, 6)
    with pytest.raises(ValueError, match="before >= 0 and after >= 0 rows, not 2 and -1"):
        band_attention(q, k, v, before=2, after=-1)
    with pytest.raises(ValueError, match="not 5 keys and 6 queries"):
        band_attention(q, k[:, :, 1:], v[:, :, 1:], before=2, after=1)


def test_many_rows_and_extra_keys(same) -> None:
    # More rows than the extra keys are given at a time.
    n, g = 1100, 2
    allow_extra = torch.rand(1, 1, n, g) > 0.5
    allow = torch.cat([band(n, 3, 2)[None, None], allow_extra], -1)
    same(
        lambda q, k, v, k_extra, v_extra: band_attention(
            q, k, v, before=3, after=2, k_extra=k_extra, v_extra=v_extra, allow_extra=allow_extra
        ),
        lambda q, k, v, k_extra, v_extra: attention(q, torch.cat([k, k_extra], 2), torch.cat([v, v_extra], 2), allow),
        [normal(1, 1, n, 2) for _ in range(3)] + [normal(1, 1, g, 2) for _ in range(2)],
    )


@pytest.mark.parametrize("path", PATHS)
def test_any_strides_and_a_value_width_of_its_own(same, path: str) -> None:
    def columns(x: Tensor) -> Tensor:
        return x.mT.contiguous().mT

    extra = [normal(2, 2, 3, 4), normal(2, 2, 3, 4)]
    for width in (4, 5):
        same(
            lambda q, k, v, k_extra, v_extra: columns(
                band_attention(
                    columns(q), columns(k), columns(v), before=3, after=1, block=4,
                    k_extra=columns(k_extra), v_extra=columns(v_extra), **PATHS[path],
                )
            ),
            lambda q, k, v, k_extra, v_extra: attention(
                q, torch.cat([k, k_extra], 2), torch.cat([v, v_extra], 2),
                torch.cat([band(11, 3, 1), torch.ones(11, 3, dtype=torch.bool)], -1), **PATHS[path],
            ),
            [normal(2, 2, 11, 4), normal(2, 2, 11, 4), normal(2, 2, 11, width), extra[0], normal(2, 2, 3, width)],
        )  # fmt: skip
