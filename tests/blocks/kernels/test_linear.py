from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from blocks.kernels import LinearState, causal_linear_attention, linear_attention, step
from blocks.kernels.linear import causal_outputs

from .reference import linear

SHAPES = [(1, 1, 1, 4, 3), (2, 3, 7, 3, 4), (1, 2, 12, 5, 2), (2, 1, 17, 4, 4)]


def inputs(b: int, h: int, n: int, f: int, d: int) -> list[Tensor]:
    phi_q, phi_k = (torch.rand(b, h, n, f, dtype=torch.float64) + 0.1 for _ in range(2))
    return [phi_q, phi_k, torch.randn(b, h, n, d, dtype=torch.float64)]


def rising(b: int, h: int, n: int) -> Tensor:
    # Long rests, small steps and one jump beyond what exp could bear.
    steps = torch.rand(b, h, n, dtype=torch.float64) * (torch.rand(b, h, n) > 0.6)
    steps[..., n // 3] += 800.0
    return steps.cumsum(-1) - 5.0


@pytest.mark.parametrize("eps", [0.0, 1e-2])
@pytest.mark.parametrize(("b", "h", "n", "f", "d"), SHAPES)
def test_bidirectional(same, b: int, h: int, n: int, f: int, d: int, eps: float) -> None:
    allow = torch.ones(n, n, dtype=torch.bool)
    same(
        lambda q, k, v: linear_attention(q, k, v, eps=eps),
        lambda q, k, v: linear(q, k, v, allow, eps=eps),
        inputs(b, h, n, f, d),
    )


def test_bidirectional_with_its_own_denominator_and_other_lengths(same) -> None:
    phi_q, den_q, _ = inputs(2, 2, 3, 4, 5)
    phi_k, den_k, v = inputs(2, 2, 6, 4, 5)
    same(
        lambda q, k, v, dq, dk: linear_attention(q, k, v, den_q=dq, den_k=dk),
        lambda q, k, v, dq, dk: linear(q, k, v, torch.ones(3, 6, dtype=torch.bool), dq, dk),
        [phi_q, phi_k, v, den_q, den_k],
    )


@pytest.mark.parametrize("chunk", [1, 4, 128])
@pytest.mark.parametrize("leveled", [False, True])
@pytest.mark.parametrize(("b", "h", "n", "f", "d"), SHAPES)
def test_causal(same, b: int, h: int, n: int, f: int, d: int, leveled: bool, chunk: int) -> None:
    allow = torch.ones(n, n, dtype=torch.bool).tril()
    level = rising(b, h, n) if leveled else None
    same(
        lambda q, k, v: causal_linear_attention(q, k, v, level=level, chunk=chunk)[0],
        lambda q, k, v: linear(q, k, v, allow, level=level),
        inputs(b, h, n, f, d),
    )


@pytest.mark.parametrize("leveled", [False, True])
def test_causal_with_its_own_denominator(same, leveled: bool) -> None:
    allow = torch.ones(9, 9, dtype=torch.bool).tril()
    level = rising(2, 2, 9) if leveled else None
    same(
        lambda q, k, v, dq, dk: causal_linear_attention(q, k, v, den_q=dq, den_k=dk, level=level, chunk=4)[0],
        lambda q, k, v, dq, dk: linear(q, k, v, allow, dq, dk, level),
        [*inputs(2, 2, 9, 3, 4), *inputs(2, 2, 9, 5, 4)[:2]],
    )


@pytest.mark.parametrize("chunk", [3, 128])
@pytest.mark.parametrize("leveled", [False, True])
@pytest.mark.parametrize("own", [False, True])
def test_a_floor_lies_under_every_sum_of_key_features(same, own: bool, leveled: bool, chunk: int) -> None:
    n, floor = 7, 0.3
    level = rising(2, 2, n) if leveled else None
    allow = torch.ones(n, n, dtype=torch.bool).tril()

    def slow(q: Tensor, k: Tensor, v: Tensor, *den: Tensor) -> Tensor:
        den_q, den_k = den or (q, k)
        ones = torch.ones_like(v[..., :1])
        below = linear(den_q, den_k, ones, allow, level=level, den_q=den_q * 0, eps=1.0) + floor * den_q.sum(-1, True)
        return linear(q, k, v, allow, level=level, den_q=den_q * 0, den_k=den_k, eps=1.0) / below

    def fast(q: Tensor, k: Tensor, v: Tensor, *den: Tensor) -> Tensor:
        own_den = {"den_q": den[0], "den_k": den[1]} if den else {}
        return causal_outputs(q, k, v, level=level, eps=0.0, floor=floor, chunk=chunk, **own_den)

    dens = inputs(2, 2, n, 5, 4)[:2] if own else []
    same(fast, slow, [*inputs(2, 2, n, 3, 4), *dens])


def test_too_little_to_divide_by_is_nothing() -> None:
    q, k, v = (x.float() for x in inputs(1, 1, 5, 3, 2))
    for out in (linear_attention(q * 1e-40, k, v, eps=0.0), causal_outputs(q * 1e-40, k, v, eps=0.0)):
        assert (out == 0).all()


@pytest.mark.parametrize("leveled", [False, True])
def test_a_state_carries_everything_over(same, leveled: bool) -> None:
    n, cuts = 13, [0, 5, 6, 13]
    allow = torch.ones(n, n, dtype=torch.bool).tril()
    level = rising(2, 2, n) if leveled else None

    def fast(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        state, outs = None, []
        for start, end in itertools.pairwise(cuts):
            at = slice(start, end)
            now = None if level is None else level[:, :, at]
            out, state = causal_linear_attention(q[:, :, at], k[:, :, at], v[:, :, at], level=now, chunk=3, state=state)
            outs.append(out)
        assert state is not None
        # The final state is a result like any other: let gradients come through it as well.
        return torch.cat([torch.cat(outs, 2).flatten(), state.s.flatten(), state.z.flatten()])

    def slow(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        end = 0 * v[..., 0] if level is None else level - level[..., -1:]
        keys = k * torch.exp(end)[..., None]
        out = linear(q, k, v, allow, level=level)
        return torch.cat([out.flatten(), (keys.mT @ v).flatten(), keys.sum(2).flatten()])

    same(fast, slow, inputs(2, 2, n, 3, 4))


@pytest.mark.parametrize("leveled", [False, True])
@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("floor", [0.0, 0.3])
def test_steps_equal_one_pass(leveled: bool, own: bool, floor: float) -> None:
    n = 9
    q, k, v = inputs(2, 2, n, 3, 4)
    level = rising(2, 2, n) if leveled else None
    den = {"den_q": inputs(2, 2, n, 5, 1)[0], "den_k": inputs(2, 2, n, 5, 1)[1]} if own else {}
    expected, last = causal_linear_attention(q, k, v, level=level, floor=floor, **den)
    state: LinearState | None = None
    outs = []
    with torch.no_grad():
        for i in range(n):
            here = {name: None if x is None else x[:, :, i : i + 1] for name, x in {"level": level, **den}.items()}
            out, state = step(q[:, :, i : i + 1], k[:, :, i : i + 1], v[:, :, i : i + 1], state, floor=floor, **here)
            outs.append(out)
    torch.testing.assert_close(torch.cat(outs, 2), expected, rtol=1e-9, atol=1e-9)
    assert state is not None
    torch.testing.assert_close([state.s, state.z, state.level], [last.s, last.z, last.level], rtol=1e-9, atol=1e-9)


def test_a_state_can_be_reordered() -> None:
    q, k, v = inputs(3, 1, 4, 2, 2)
    level = rising(3, 1, 4)
    _, state = causal_linear_attention(q, k, v, level=level)
    rows = torch.tensor([2, 2, 0])
    _, expected = causal_linear_attention(q[rows], k[rows], v[rows], level=level[rows])
    chosen = state.select(rows)
    assert (chosen.s == expected.s).all()
    assert (chosen.z == expected.z).all()
    assert (chosen.level == expected.level).all()


@pytest.mark.parametrize("leveled", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_nothing_comes_from_the_future(leveled: bool, dtype: torch.dtype) -> None:
    n, late = 300, 200
    q, k, v = (x.to(dtype) for x in inputs(1, 2, n, 4, 4))
    level = rising(1, 2, n).to(dtype) if leveled else None
    out, _ = causal_linear_attention(q, k, v, level=level)
    k[:, :, late] *= 1e4
    v[:, :, late] *= 1e4
    if level is not None:
        level[:, :, late:] += 1e4
    loud, _ = causal_linear_attention(q, k, v, level=level)
    assert (out[:, :, :late] == loud[:, :, :late]).all()
    assert (out[:, :, late:] != loud[:, :, late:]).any()


def test_a_level_changes_nothing_but_the_scale_of_the_features(same) -> None:
    # Features relative to a running maximum, with their level, are the features themselves.
    level = rising(1, 2, 11).clamp(max=3.0)
    allow = torch.ones(11, 11, dtype=torch.bool).tril()
    same(
        lambda q, k, v: causal_linear_attention(
            q, k * torch.exp(-level)[..., None], v, level=level, eps=0.0, chunk=4
        )[0],
        lambda q, k, v: linear(q, k, v, allow, eps=0.0),
        inputs(1, 2, 11, 3, 3),
    )  # fmt: skip


@pytest.mark.parametrize("leveled", [False, True])
def test_nothing_seen_yet_is_zero(same, leveled: bool) -> None:
    hidden = (torch.arange(9) < 4)[:, None]
    allow = torch.ones(9, 9, dtype=torch.bool).tril()
    level = rising(2, 1, 9).masked_fill(hidden.mT, -torch.inf) if leveled else None
    known = None if level is None else level.clamp(min=-1e9)
    same(
        lambda q, k, v: causal_linear_attention(q, k.masked_fill(hidden, 0.0), v, eps=0.0, level=level, chunk=3)[0],
        lambda q, k, v: linear(q, k.masked_fill(hidden, 0.0), v, allow, eps=0.0, level=known),
        inputs(2, 1, 9, 3, 3),
    )
    same(
        lambda q, k, v: linear_attention(q, k * 0, v, eps=0.0),
        lambda q, k, v: linear(q, k * 0, v, allow, eps=0.0),
        inputs(2, 1, 9, 3, 3),
    )


def test_never_n_by_n(largest) -> None:
    n = 2048
    q, k, v = (torch.rand(1, 1, n, 8, requires_grad=True) for _ in range(3))
    with largest() as mode:
        causal_linear_attention(q, k, v, chunk=64)[0].sum().backward()
    # values with their column of ones
    assert mode.numel <= n * 9


def test_the_backward_keeps_states_and_no_products() -> None:
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    n, f, d, chunk = 1024, 8, 8, 128
    q, k, v = (torch.rand(1, 1, n, 8, requires_grad=True) for _ in range(3))
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda x: x):
        causal_outputs(q, k, v, chunk=chunk)
    rows, states = n * (2 * f + 2 * d + 4), n // chunk * (f * d + f)
    assert sum(kept.values()) <= 4 * (rows + states)


def test_float32_is_close() -> None:
    q, k, v = inputs(2, 2, 300, 8, 8)
    expected, _ = causal_linear_attention(q, k, v)
    out, _ = causal_linear_attention(q.float(), k.float(), v.float())
    torch.testing.assert_close(out.double(), expected, rtol=1e-5, atol=1e-5)


def test_half_precision_sums_in_float32() -> None:
    q, k, v = (x.to(torch.bfloat16) for x in inputs(1, 1, 300, 8, 8))
    out, state = causal_linear_attention(q, k, v)
    assert out.dtype == torch.bfloat16
    assert state.z.dtype == torch.float32
    expected, _ = causal_linear_attention(q.double(), k.double(), v.double())
    torch.testing.assert_close(out.double(), expected, rtol=2e-2, atol=2e-2)


def test_half_a_denominator_is_an_error() -> None:
    q, k, v = inputs(1, 1, 3, 2, 2)
    with pytest.raises(ValueError, match="together or not at all"):
        causal_linear_attention(q, k, v, den_q=q)
    _, state = causal_linear_attention(q, k, v, level=rising(1, 1, 3))
    with pytest.raises(ValueError, match="the state has a level but the keys have none"):
        causal_linear_attention(q, k, v, state=state)


def test_autocast_leaves_the_sums_alone() -> None:
    q, k, v = (x.float().requires_grad_() for x in inputs(1, 2, 20, 4, 4))
    expected, _ = causal_linear_attention(q, k, v, chunk=8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out, _ = causal_linear_attention(q, k, v, chunk=8)
        out.sum().backward()
    assert (out == expected).all()


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("causal", [False, True])
def test_small_denominators_are_kept_off_zero(same, causal: bool, own: bool) -> None:
    n, guard = 7, 3.0
    allow = torch.ones(n, n, dtype=torch.bool)
    allow = allow.tril() if causal else allow
    phi_q, phi_k, v = inputs(2, 2, n, 4, 3)
    phi_q[:, :, ::2] /= 10
    total = linear(phi_q, phi_k, torch.ones_like(v), allow, eps=0.0, guard=guard)[..., 0]
    assert ((total - 1).abs() < 1e-9).any()
    assert (total < 0.6).any()
    dens = inputs(2, 2, n, 4, 3)[:2] if own else []
    form = causal_outputs if causal else linear_attention

    def fast(q: Tensor, k: Tensor, v: Tensor, *den: Tensor) -> Tensor:
        names = dict(zip(("den_q", "den_k"), den, strict=False))
        return form(q, k, v, **names, guard=guard)  # type: ignore[arg-type]

    same(fast, lambda q, k, v, *den: linear(q, k, v, allow, *den, guard=guard), [phi_q, phi_k, v, *dens])


def test_a_step_keeps_small_denominators_off_zero() -> None:
    phi_q, phi_k, v = inputs(1, 2, 5, 4, 3)
    whole, state = causal_outputs(phi_q, phi_k, v, guard=3.0), None
    with torch.no_grad():
        for i in range(5):
            here = slice(i, i + 1)
            out, state = step(phi_q[:, :, here], phi_k[:, :, here], v[:, :, here], state, guard=3.0)
            torch.testing.assert_close(out, whole[:, :, here])
