from __future__ import annotations

import pytest
import torch

from blocks.kernels import dense_attention, dense_weights

from .reference import attention


def qkv(b: int, h: int, n_q: int, n_k: int, d: int = 4) -> list[torch.Tensor]:
    return [torch.randn(b, h, n, d, dtype=torch.float64) for n in (n_q, n_k, n_k)]


CASES = {
    "all": {},
    "some": {"allow": True},
    "bias": {"bias": True},
    "causal": {"causal": True},
    "causal some": {"causal": True, "allow": True},
    "causal bias": {"causal": True, "bias": True},
    "causal learned": {"causal": True, "learned": True, "allow": True},
    "everything": {"causal": True, "allow": True, "learned": True, "softcap": 1.5, "scale": 0.7},
    "softcap": {"softcap": 0.5, "bias": True},
    "scale": {"scale": 1.3, "allow": True},
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    ("b", "h", "n_q", "n_k"), [(1, 1, 1, 1), (2, 3, 9, 9), (1, 2, 3, 8), (2, 1, 8, 3), (1, 2, 1, 5)]
)
def test_equals_reference(same, case: str, b: int, h: int, n_q: int, n_k: int) -> None:
    options = dict(CASES[case])
    causal, learned = options.get("causal", False), options.pop("learned", False)
    inputs = qkv(b, h, n_q, n_k)
    allow = None
    if options.pop("allow", False):
        allow = torch.rand(b, 1, n_q, n_k) > 0.4
        allow[0, :, n_q // 2] = False
    if options.pop("bias", False) or learned:
        inputs.append(torch.randn(1, h, n_q, n_k, dtype=torch.float64))
    visible = torch.ones(1, 1, n_q, n_k, dtype=torch.bool) if allow is None else allow
    if causal:
        visible = visible & torch.tensor([[j <= i + n_k - n_q for j in range(n_k)] for i in range(n_q)])

    def fast(q, k, v, bias=None):
        return dense_attention(q, k, v, allow=allow, bias=bias if learned or bias is None else bias.detach(), **options)

    def slow(q, k, v, bias=None):
        bias = bias if learned or bias is None else bias.detach()
        return attention(q, k, v, visible, bias, options.get("scale"), options.get("softcap"))

    same(fast, slow, inputs)


@pytest.mark.parametrize("shape", [(1, 1, 1, 6), (2, 1, 1, 6), (1, 3, 6, 6), (6, 6), (1, 6)])
def test_a_mask_broadcasts(same, shape: tuple[int, ...]) -> None:
    allow = torch.rand(shape) > 0.4
    causal = torch.ones(6, 6, dtype=torch.bool).tril()
    same(
        lambda q, k, v: dense_attention(q, k, v, allow=allow),
        lambda q, k, v: attention(q, k, v, allow),
        qkv(2, 3, 6, 6),
    )
    same(
        lambda q, k, v: dense_attention(q, k, v, allow=allow, causal=True),
        lambda q, k, v: attention(q, k, v, allow & causal),
        qkv(2, 3, 6, 6),
    )


@pytest.mark.parametrize("learned", [False, True])
def test_a_float32_bias_on_float64_scores(learned: bool) -> None:
    # The fused kernel reads a mask of the wrong width as garbage from 8 keys on.
    q, k, v = qkv(1, 2, 16, 16)
    bias = torch.randn(1, 2, 16, 16).requires_grad_(learned)
    expected = attention(q, k, v, torch.ones(16, 16, dtype=torch.bool), bias.double())
    torch.testing.assert_close(dense_attention(q, k, v, bias=bias), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("width", [4, 5])
@pytest.mark.parametrize("masked", [False, True])
def test_any_strides_and_a_value_width_of_its_own(same, masked: bool, width: int) -> None:
    def columns(x: torch.Tensor) -> torch.Tensor:
        return x.mT.contiguous().mT

    allow = torch.rand(2, 1, 7, 7) > 0.4 if masked else None
    causal = torch.ones(7, 7, dtype=torch.bool).tril()
    q, k, _ = qkv(2, 2, 7, 7)
    same(
        lambda q, k, v: columns(dense_attention(columns(q), columns(k), columns(v), allow=allow, causal=True)),
        lambda q, k, v: attention(q, k, v, causal if allow is None else causal & allow),
        [q, k, torch.randn(2, 2, 7, width, dtype=torch.float64)],
    )


def test_no_keys() -> None:
    q, k, v = (x.requires_grad_() for x in qkv(1, 2, 3, 0))
    out = dense_attention(q, k, v)
    out.sum().backward()
    assert out.shape == (1, 2, 3, 4)
    assert (out == 0).all()


@pytest.mark.parametrize("softcap", [None, 2.0])
def test_weights_are_those_of_the_output(softcap: float | None) -> None:
    q, k, v = qkv(2, 2, 5, 7)
    allow = torch.rand(2, 1, 5, 7) > 0.5
    allow[1, :, 2] = False
    weights = dense_weights(q, k, allow=allow, causal=True, softcap=softcap)
    out = dense_attention(q, k, v, allow=allow, causal=True, softcap=softcap)
    torch.testing.assert_close(weights @ v, out, rtol=1e-9, atol=1e-9)
    total = weights.sum(-1)
    assert (((total - 1).abs() < 1e-12) | (total == 0)).all()
    assert (weights[1, :, 2] == 0).all()


@pytest.mark.parametrize("options", [{}, {"softcap": 5.0}])
def test_dropout_keeps_the_mean(options: dict[str, float]) -> None:
    q, k, v = qkv(1, 1, 2, 6)
    draws = torch.stack([dense_attention(q, k, v, dropout=0.5, **options) for _ in range(4000)])
    torch.testing.assert_close(draws.mean(0), dense_attention(q, k, v, **options), rtol=0.0, atol=0.06)
    assert draws.std(0).max() > 0.05


def test_float32() -> None:
    q, k, v = qkv(2, 2, 33, 33)
    allow = torch.rand(2, 1, 33, 33) > 0.3
    out = dense_attention(q.float(), k.float(), v.float(), allow=allow, causal=True)
    torch.testing.assert_close(out.double(), dense_attention(q, k, v, allow=allow, causal=True), rtol=1e-5, atol=1e-5)


def test_an_empty_row_makes_no_nan_on_the_way_either() -> None:
    q, k, v = (x.requires_grad_() for x in qkv(1, 1, 3, 3))
    allow = torch.tensor([[True, True, False], [False, False, False], [False, False, True]])
    # Raises at the first operation whose gradient is NaN, even where a mask would hide it later.
    with torch.autograd.set_detect_anomaly(True):
        dense_attention(q, k, v, allow=allow, softcap=1.0).sum().backward()
