"""BigBird against a dense re-statement: how often each key counts for each query, and one softmax over that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from einops import rearrange
from torch import Tensor, nn

from blocks.attention import BigBird, FullAttention
from blocks.attention.random_blocks import random_blocks
from blocks.coords import Coords
from blocks.masks import Causal, Full, Mask, Window
from blocks.position import T5, Alibi, Position, Rotary, Shaw

from .test_softmax import Largest

Agree = Callable[..., None]
DIM, HEADS, D = 12, 3, 4


def make(**options: Any) -> BigBird:
    attention = BigBird(DIM, HEADS, **{"block": 3, "random": 1, "layer": 2, **options}).double().eval()
    with torch.no_grad():
        for parameter in attention.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return attention


def counts(attention: BigBird, documents: Sequence[Sequence[list[int]]], n: int, *, causal: bool) -> Tensor:
    """How often each key counts for each query, [b h n n]. documents: for each row, the tokens of each document."""
    size, ends = attention.block, 5 + 2 * attention.draw.count
    found = torch.zeros(len(documents), HEADS, n, n, dtype=torch.int64)
    for row, of_row in enumerate(documents):
        for tokens in of_row:
            blocks = -(-len(tokens) // size)
            table = random_blocks(attention.draw, blocks, causal=causal).tolist()
            for h in range(HEADS):
                for i, at_i in enumerate(tokens):
                    for j, at_j in enumerate(tokens):
                        query, key = i // size, j // size
                        if causal:
                            fixed = key == 0 or query - key in (0, 1)
                        else:
                            last = blocks - 1
                            fixed = {0, last} & {query, key} or abs(query - key) <= 1
                        if not causal and blocks <= ends:
                            found[row, h, at_i, at_j] = 1
                        elif not causal or j <= i:
                            found[row, h, at_i, at_j] = bool(fixed) + table[h][query].count(key)
    return found


def dense(
    attention: BigBird,
    x: Tensor,
    counted: Tensor,
    bias: Tensor | float = 0.0,
    position: Position | None = None,
) -> tuple[Tensor, Tensor]:
    """Outputs, and weights [b h n n]: each key weighs its count times exp(score)."""
    at = Coords.of(x.shape[1])
    q, k, v = (
        rearrange(project(x), "b n (h d) -> b h n d", h=HEADS)
        for project in (attention.query, attention.key, attention.value)
    )
    products = q @ k.mT
    if position is not None:
        content = position.content_bias(q, k, at, at, None)
        products = products if content is None else products + content
    scores = products / D**0.5 + bias
    shares = counted * (scores - scores.amax(-1, keepdim=True).detach()).exp()
    total = shares.sum(-1, keepdim=True)
    weights = torch.where(total > 0, shares / total.clamp(min=1e-300), 0.0)
    out = weights @ v
    if position is not None:
        value = position.content_value(weights, at, at)
        out = out if value is None else out + value
    return attention.out(rearrange(out, "b h n d -> b n (h d)")), weights


def plain(b: int, n: int) -> list[list[list[int]]]:
    return [[list(range(n))] for _ in range(b)]


def real(valid: Tensor) -> list[list[list[int]]]:
    return [[row.nonzero()[:, 0].tolist()] for row in valid]


BOTH = pytest.mark.parametrize("mask", [Full(), Causal()], ids=str)
PLANS = pytest.mark.parametrize("plan", ["published", "uniform", "zeros"])


@BOTH
@PLANS
@pytest.mark.parametrize(
    ("n", "block", "random"),
    [(24, 3, 1), (23, 3, 1), (22, 3, 1), (14, 2, 0), (13, 1, 2), (30, 3, 2), (5, 3, 1), (1, 2, 1)],
)
def test_each_query_sees_window_ends_and_random_blocks(
    agree: Agree, n: int, block: int, random: int, plan: str, mask: Mask
) -> None:
    attention, x = make(block=block, random=random, plan=plan), torch.randn(2, n, DIM, dtype=torch.float64)
    seen = counts(attention, plain(2, n), n, causal=mask == Causal())
    agree(attention, lambda t: attention(t, mask=mask), lambda t: dense(attention, t, seen)[0], x)


@BOTH
@pytest.mark.parametrize("sides", ["left", "right", "within"])
def test_padding_skipped_changes_nothing(agree: Agree, sides: str, mask: Mask) -> None:
    attention, x = make(plan="uniform"), torch.randn(4, 27, DIM, dtype=torch.float64)
    valid = torch.ones(4, 27, dtype=torch.bool)
    for row, missing in enumerate((0, 2, 4, 20)):
        gone = {"left": range(missing), "right": range(27 - missing, 27), "within": range(3, 3 + missing)}[sides]
        valid[row, list(gone)] = False
    seen = counts(attention, real(valid), 27, causal=mask == Causal())
    at, shown = Coords.of(27, valid=valid), valid.unsqueeze(-1)
    agree(
        attention,
        lambda t: attention(t, at, mask=mask) * shown,
        lambda t: dense(attention, t, seen)[0] * shown,
        x,
    )


def test_padding_counted_cuts_rows_as_they_come(agree: Agree) -> None:
    attention, x = make(padding="counted"), torch.randn(3, 25, DIM, dtype=torch.float64)
    valid = torch.arange(25) < torch.tensor([[25], [19], [4]])
    seen = counts(attention, plain(3, 25), 25, causal=False) * valid[:, None, None, :]
    at, shown = Coords.of(25, valid=valid), valid.unsqueeze(-1)
    agree(attention, lambda t: attention(t, at) * shown, lambda t: dense(attention, t, seen)[0] * shown, x)
    # the pattern goes by the longest row
    alone = attention(x[1:2, :19])
    assert not torch.allclose(attention(x, at)[1:2, :19], alone)
    skipping = make()
    skipping.load_state_dict(attention.state_dict())
    torch.testing.assert_close(skipping(x, at)[1:2, :19], alone, rtol=1e-9, atol=1e-9)


def test_padding_counted_is_for_bidirectional_rows() -> None:
    attention, skipping = make(padding="counted"), make()
    skipping.load_state_dict(attention.state_dict())
    x, at = torch.randn(1, 30, DIM, dtype=torch.float64), Coords.of(30, valid=torch.arange(30)[None] >= 4)
    one, two = (a(x, at, mask=Causal())[:, 4:] for a in (attention, skipping))
    torch.testing.assert_close(one, two, rtol=1e-12, atol=1e-12)


def test_padding_counted_is_hidden_where_a_document_fills_the_row() -> None:
    attention, x = make(padding="counted"), torch.randn(2, 24, DIM, dtype=torch.float64)
    valid = torch.arange(24) < torch.tensor([[24], [20]])
    one, two = (
        attention(x, Coords.of(24, valid=valid, segment=segment)) for segment in (None, torch.zeros(2, 24).long())
    )
    torch.testing.assert_close(one[valid], two[valid], rtol=1e-12, atol=1e-12)


def test_a_window_counts_the_padding_within_a_short_row(agree: Agree) -> None:
    attention, x = make(), torch.randn(2, 27, DIM, dtype=torch.float64)
    valid = torch.ones(2, 27, dtype=torch.bool)
    valid[1, 4:14] = False
    at, shown, mask = Coords.of(27, valid=valid), valid.unsqueeze(-1), Window(3, 3)
    seen = counts(attention, real(valid), 27, causal=False) * mask.allow(at.queries(), at.keys())
    agree(
        attention,
        lambda t: attention(t, at, mask=mask) * shown,
        lambda t: dense(attention, t, seen)[0] * shown,
        x,
    )


@BOTH
@pytest.mark.parametrize("padding", ["skipped", "counted"])
def test_packed_documents_have_patterns_of_their_own(agree: Agree, padding: str, mask: Mask) -> None:
    attention = make(block=2, plan="uniform", padding=padding)
    segment = torch.tensor([[0] * 17 + [1] * 4 + [2] * 19, [5] * 40])
    valid = torch.ones(2, 40, dtype=torch.bool)
    valid[0, 15:17] = False
    counting = padding == "counted" and mask == Full()
    documents = [
        [list(range(17 if counting else 15)), list(range(17, 21)), list(range(21, 40))],
        [list(range(40))],
    ]
    seen = counts(attention, documents, 40, causal=mask == Causal()) * valid[:, None, None, :]
    at, shown = Coords.of(40, segment=segment, valid=valid), valid.unsqueeze(-1)
    x = torch.randn(2, 40, DIM, dtype=torch.float64)
    agree(
        attention,
        lambda t: attention(t, at, mask=mask) * shown,
        lambda t: dense(attention, t, seen)[0] * shown,
        x,
    )


def test_one_row_of_coordinates_with_documents_serves_a_batch() -> None:
    attention, x = make(block=2), torch.randn(3, 30, DIM, dtype=torch.float64)
    segment = torch.tensor([[0] * 18 + [1] * 12])
    one, each = (Coords.of(30, segment=s) for s in (segment, segment.expand(3, -1)))
    torch.testing.assert_close(attention(x, one), attention(x, each), rtol=1e-12, atol=1e-12)
    documents = [[list(range(18)), list(range(18, 30))]] * 3
    right, _ = dense(attention, x, counts(attention, documents, 30, causal=False))
    torch.testing.assert_close(attention(x, one), right, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("mask", [Window(4, 2), Causal() & Window(7, 0)], ids=str)
def test_a_narrower_mask_hides_keys_of_every_kind(agree: Agree, mask: Mask) -> None:
    attention, x = make(plan="zeros"), torch.randn(2, 26, DIM, dtype=torch.float64)
    at = Coords.of(26)
    seen = counts(attention, plain(2, 26), 26, causal=mask != Window(4, 2)) * mask.allow(at.queries(), at.keys())
    agree(attention, lambda t: attention(t, mask=mask), lambda t: dense(attention, t, seen)[0], x)


@BOTH
@PLANS
@pytest.mark.parametrize("scheme", ["alibi", "t5", "shaw"])
def test_position_schemes_act_on_every_key(agree: Agree, scheme: str, plan: str, mask: Mask) -> None:
    attention, x = make(block=2, random=2, plan=plan), torch.randn(2, 25, DIM, dtype=torch.float64)
    causal, at = mask == Causal(), Coords.of(25)
    made: dict[str, Position] = {
        "alibi": Alibi(HEADS),
        "t5": T5(HEADS, causal=causal, buckets=8, max_distance=12),
        "shaw": Shaw(D, clip=4),
    }
    position = made[scheme].double()
    seen = counts(attention, plain(2, 25), 25, causal=causal)

    def slow(t: Tensor) -> Tensor:
        bias = position.bias(at.queries(), at.keys())
        return dense(attention, t, seen, 0.0 if bias is None else bias, position)[0]

    both = nn.ModuleList([attention, position])
    agree(both, lambda t: attention(t, mask=mask, position=position), slow, x)


@BOTH
def test_schemes_see_the_positions_of_skipped_padding(mask: Mask) -> None:
    attention, x = make(block=2), torch.randn(1, 20, DIM, dtype=torch.float64)
    valid = torch.arange(26)[None] >= 6
    padded = torch.cat([1e3 * torch.randn(1, 6, DIM).double(), x], dim=1)
    for position in (Rotary(D), Alibi(HEADS).double(), Shaw(D, clip=3).double()):
        alone = attention(x, mask=mask, position=position)
        among = attention(padded, Coords.of(26, valid=valid), mask=mask, position=position)[:, 6:]
        torch.testing.assert_close(among, alone, rtol=1e-9, atol=1e-9)


@BOTH
@PLANS
@pytest.mark.parametrize("shaw", [False, True])
def test_weights_are_those_of_the_mix(plan: str, shaw: bool, mask: Mask) -> None:
    attention, x = make(plan=plan), torch.randn(3, 25, DIM, dtype=torch.float64)
    position = Shaw(D, clip=3).double() if shaw else None
    right = dense(attention, x, counts(attention, plain(3, 25), 25, causal=mask == Causal()), 0.0, position)[1]
    torch.testing.assert_close(attention.weights(x, mask=mask, position=position), right, rtol=1e-9, atol=1e-12)
    valid = torch.arange(25) < torch.tensor([[25], [22], [7]])
    seen = counts(attention, real(valid), 25, causal=mask == Causal())
    right = dense(attention, x, seen)[1]
    found = attention.weights(x, Coords.of(25, valid=valid), mask=mask)
    shown = valid[:, None, :, None]
    torch.testing.assert_close(found * shown, right * shown, rtol=1e-9, atol=1e-12)


def test_short_inputs_get_full_attention() -> None:
    attention, full = make(), FullAttention(DIM, HEADS).double().eval()
    full.load_state_dict(attention.state_dict())
    x = torch.randn(2, 22, DIM, dtype=torch.float64)
    # 5 + 2 random blocks of 3
    torch.testing.assert_close(attention(x[:, :21]), full(x[:, :21]), rtol=1e-12, atol=1e-12)
    assert not torch.allclose(attention(x), full(x))


@pytest.mark.parametrize("position", [None, Alibi(HEADS), Shaw(D, clip=5)], ids=str)
@pytest.mark.parametrize("sizes", [[1], [40], [7, 1, 12, 3], [20, 20], [1, 39]], ids=str)
def test_decoding_continues_with_the_same_pattern(sizes: list[int], position: Position | None) -> None:
    attention, x = make(plan="uniform", random=2), torch.randn(2, 40, DIM, dtype=torch.float64)
    position = None if position is None else position.double()
    whole = attention(x, mask=Causal(), position=position)
    cache, done, outs = attention.new_cache(), 0, []
    with torch.no_grad():
        while done < 40:
            size = sizes[len(outs)] if len(outs) < len(sizes) else sizes[-1]
            new = x[:, done : done + size]
            outs.append(
                attention(new, Coords.of(new.shape[1], start=done), mask=Causal(), position=position, cache=cache)
            )
            done += size
    torch.testing.assert_close(torch.cat(outs, 1), whole, rtol=1e-9, atol=1e-9)


def test_decoding_keeps_packed_documents_and_rows_that_are_all_padding_apart() -> None:
    attention, x = make(block=2), torch.randn(3, 36, DIM, dtype=torch.float64)
    segment = torch.tensor([[0] * 16 + [1] * 20, [0] * 36, [0] * 36])
    valid = torch.ones(3, 36, dtype=torch.bool)
    valid[1, :9] = False
    valid[2] = False
    whole = attention(x, Coords.of(36, segment=segment, valid=valid), mask=Causal())
    cache, outs = attention.new_cache(), []
    with torch.no_grad():
        for i in range(0, 36, 4):
            new = slice(i, i + 4)
            at = Coords.of(4, start=i, segment=segment[:, new], valid=valid[:, new])
            outs.append(attention(x[:, new], at, mask=Causal(), cache=cache))
    found = torch.cat(outs, 1)
    assert found.isfinite().all()
    torch.testing.assert_close(found[valid], whole[valid], rtol=1e-9, atol=1e-9)


def test_a_batch_of_nothing_but_padding_is_finite() -> None:
    attention, x = make(), torch.randn(2, 30, DIM, dtype=torch.float64)
    valid = torch.zeros(2, 30, dtype=torch.bool)
    cache = attention.new_cache()
    for mask, where in ((Full(), None), (Causal(), None), (Causal(), cache)):
        assert attention(x, Coords.of(30, valid=valid), mask=mask, cache=where).isfinite().all()
    later = Coords.of(1, start=30, valid=valid[:, :1])
    assert attention(x[:, :1], later, mask=Causal(), cache=cache).isfinite().all()


def test_a_cache_needs_a_causal_mask() -> None:
    attention = make()
    with pytest.raises(ValueError, match="attention 'bigbird' decodes step by step under a causal mask alone"):
        attention(torch.zeros(1, 2, DIM).double(), cache=attention.new_cache())


@BOTH
def test_dropout_acts_on_the_weights_and_keeps_their_mean(mask: Mask) -> None:
    attention, x = make(dropout=0.3), torch.randn(1, 24, DIM, dtype=torch.float64)
    right = attention(x, mask=mask).detach()
    attention.train()
    with torch.no_grad():
        draws = torch.cat([attention(x, mask=mask) for _ in range(3000)])
    assert float(draws.std(0).min()) > 1e-3
    far = (draws.mean(0) - right[0]).abs() / (draws.std(0) / 3000**0.5)
    assert float(far.max()) < 5


@BOTH
@pytest.mark.parametrize("position", [None, Alibi(HEADS)], ids=str)
@pytest.mark.parametrize("padded", [False, True])
def test_long_inputs_never_make_a_square(padded: bool, position: Position | None, mask: Mask) -> None:
    n = 1024
    attention, x = BigBird(DIM, HEADS, block=8, random=2), torch.randn(2, n, DIM)
    valid = torch.arange(n) < torch.tensor([[n], [n - 100]])
    with Largest() as seen:
        attention(x, Coords.of(n, valid=valid if padded else None), mask=mask, position=position).sum().backward()
    assert seen.numel < n * n


def test_evaluation_in_inference_mode_leaves_tables_that_training_can_use() -> None:
    attention, x = make(random=2, seed=41), torch.randn(1, 40, DIM, dtype=torch.float64)
    with torch.inference_mode():
        before = attention(x)
    attention.train()(x).sum().backward()
    torch.testing.assert_close(attention(x), before.clone(), rtol=1e-12, atol=1e-12)
