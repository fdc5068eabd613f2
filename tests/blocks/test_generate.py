"""Decoding: with caches as without, alone as in a padded batch, and beams as an exhaustive search."""

from __future__ import annotations

import itertools
import math
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from blocks.attention import Attention, FullAttention, LinearAttention, Longformer, Performer
from blocks.coords import Coords
from blocks.generation import Decoding, generate, stream
from blocks.generation.beam import beam_search, top
from blocks.head import LMHead
from blocks.position import Learned, Rotary
from blocks.topology import Decoder, Encoder, EncoderDecoder
from blocks.topology.base import Topology
from blocks.topology.layers import LayerType

VOCAB = 11
SIZES: dict[str, Any] = {"dim": 16, "layers": 2, "heads": 4, "vocab": VOCAB, "head": partial(LMHead, tied=False)}


class Forgetful(FullAttention):
    """A kind that cannot decode step by step."""

    new_cache = Attention.new_cache
    provides = FullAttention.provides - {"decode"}


KINDS = {
    "full": FullAttention,
    "grouped": partial(FullAttention, kv_heads=2),
    "window": partial(FullAttention, window=4),
    "longformer": partial(Longformer, window=4, global_tokens=2),
    "linear": LinearAttention,
    "performer": Performer,
    "forgetful": Forgetful,
}


@pytest.fixture(autouse=True)
def _float64() -> Any:
    torch.set_num_threads(1)
    torch.manual_seed(7)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def loud(model: Topology) -> Topology:
    """Weights large enough that what a model says depends on what it has read."""
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:
                weight.copy_(torch.randn_like(weight) * 2 / weight.shape[1] ** 0.5)
    return model.eval().requires_grad_(False)


def decoder(kind: str = "full", **options: Any) -> Topology:
    return loud(Decoder(**SIZES | {"attention": KINDS[kind]} | options))


def translator(kind: str = "full", **options: Any) -> Topology:
    return loud(EncoderDecoder(**SIZES | {"attention": KINDS[kind]} | options))


def padded(rows: int = 3, length: int = 7) -> tuple[Tensor, Tensor]:
    """Tokens [b n] and which of them are real: row i begins with 2 i of padding."""
    valid = torch.arange(length) >= 2 * torch.arange(rows).unsqueeze(1)
    return torch.randint(1, VOCAB, (rows, length)).masked_fill(~valid, 0), valid


def slow_greedy(model: Topology, prompt: Tensor, steps: int, **source: Tensor) -> Tensor:
    """One unpadded row, the whole of it again for each token."""
    tokens = prompt.unsqueeze(0)
    for _ in range(steps):
        tokens = torch.cat([tokens, model(tokens, **source)[:, -1:].argmax(-1)], dim=1)
    return tokens[0, len(prompt) :]


def without_cache(model: Topology, monkeypatch: pytest.MonkeyPatch) -> Topology:
    def refuse() -> None:
        raise NotImplementedError

    monkeypatch.setattr(model, "new_state", refuse)
    return model


@pytest.mark.parametrize("position", [Rotary, partial(Learned, length=32)])
@pytest.mark.parametrize("kind", KINDS)
def test_greedy_is_the_slow_loop_over_each_row_alone(kind: str, position: Any) -> None:
    model = decoder(kind, position=position)
    prompt, valid = padded()
    got = generate(model, prompt, Decoding(12), valid=valid)
    want = torch.stack([slow_greedy(model, row[keep], 12) for row, keep in zip(prompt, valid, strict=True)])
    assert got.tolist() == want.tolist()
    assert len(got.unique()) > 2, "the model says too little to tell mistakes"


def test_layers_that_differ_share_coordinates_and_nothing_else() -> None:
    types = {
        "near": LayerType(attention=partial(FullAttention, window=3), position=Rotary),
        "far": LayerType(attention=partial(FullAttention, window=6), position=partial(Rotary, layout="interleaved")),
        "all": LayerType(attention=FullAttention, position=partial(Rotary, base=100.0, fraction=0.5)),
    }
    model = decoder(layers=["near", "far", "all", "near"], layer_types=types)
    prompt, valid = padded()
    got = generate(model, prompt, Decoding(12), valid=valid)
    want = torch.stack([slow_greedy(model, row[keep], 12) for row, keep in zip(prompt, valid, strict=True)])
    assert got.tolist() == want.tolist()
    # what one rotary scheme has computed must not serve another
    alone = [Rotary(4), Rotary(4, layout="interleaved"), Rotary(4, base=100.0), Rotary(4, fraction=0.5)]
    at, t = Coords.of(5), torch.randn(1, 1, 5, 4)
    for scheme in alone:
        assert torch.equal(scheme.rotate(t, at, "query"), scheme.rotate(t, Coords.of(5), "query"))


@pytest.mark.parametrize("kind", ["full", "window", "linear", "performer", "forgetful"])
def test_an_encoder_decoder_reads_its_padded_source(kind: str) -> None:
    model = translator(kind, position=Rotary)
    source, source_valid = padded(3, 9)
    prompt, valid = padded(3, 5)
    got = generate(model, prompt, Decoding(8), valid=valid, source=source, source_valid=source_valid)
    for i in range(3):
        alone = slow_greedy(
            model, prompt[i][valid[i]], 8, source=source[i : i + 1], source_valid=source_valid[i : i + 1]
        )
        assert got[i].tolist() == alone.tolist()


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "forgetful"])
@pytest.mark.parametrize(
    "decoding",
    [Decoding(8, temperature=1.5, top_p=0.9), Decoding(8, temperature=0.7, top_k=3), Decoding(6, beams=3, stop=5)],
)
def test_cached_is_uncached(kind: str, decoding: Decoding, monkeypatch: pytest.MonkeyPatch) -> None:
    model = decoder(kind)
    prompt, valid = padded()
    seed = torch.Generator()
    cached = generate(model, prompt, decoding, valid=valid, generator=seed.manual_seed(3))
    slow = without_cache(model, monkeypatch)
    assert cached.tolist() == generate(slow, prompt, decoding, valid=valid, generator=seed.manual_seed(3)).tolist()


def test_a_prefix_is_seen_by_all_its_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    model = decoder(prefix=True)
    prompt, valid = padded()
    got = generate(model, prompt, Decoding(8), valid=valid, prefix=valid)
    assert (
        got.tolist()
        == generate(without_cache(model, monkeypatch), prompt, Decoding(8), valid=valid, prefix=valid).tolist()
    )
    assert got.tolist() != generate(model, prompt, Decoding(8), valid=valid).tolist()


def test_the_stream_is_the_whole_and_ends_with_the_slowest_row() -> None:
    model = decoder()
    prompt, valid = padded()
    free = generate(model, prompt, Decoding(12), valid=valid)
    stop = int(free[0, 3])
    got = generate(model, prompt, Decoding(12, stop=stop), valid=valid)
    for row, whole in zip(got.tolist(), free.tolist(), strict=True):
        n = whole.index(stop) if stop in whole else len(whole)
        assert row == (whole[:n] + [stop] * 12)[: len(row)]
    ends = [whole.index(stop) + 1 if stop in whole else 12 for whole in free.tolist()]
    assert got.shape[1] == max(ends)
    steps = list(stream(model, prompt, Decoding(12, stop=stop), valid=valid))
    assert torch.stack(steps, 1).tolist() == got.tolist()


def test_the_stream_lends_the_caller_no_mode_and_no_odd_tensors() -> None:
    model = decoder()
    for token in stream(model, padded()[0], Decoding(3)):
        assert torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled()
        assert not token.is_inference()
    assert not generate(model, padded()[0], Decoding(2, beams=2)).is_inference()


# sampling


def test_draws_follow_the_probabilities_and_tiny_temperatures_are_greedy() -> None:
    model = decoder()
    prompt = padded()[0][:1]
    wanted = (model(prompt)[0, -1] / 2.0).softmax(-1)
    drawn = generate(
        model, prompt.expand(4000, -1), Decoding(1, temperature=2.0), generator=torch.Generator().manual_seed(1)
    )
    counts = torch.bincount(drawn[:, 0], minlength=VOCAB) / 4000
    assert (counts - wanted).abs().max() < 4 * 0.5 / math.sqrt(4000)
    smallest = Decoding(8, temperature=5e-324)
    assert torch.equal(generate(model, prompt, smallest), generate(model, prompt, Decoding(8)))


# beams


def log_chance(model: Topology, prompt: Tensor, tokens: tuple[int, ...]) -> float:
    whole = torch.cat([prompt, torch.tensor(tokens)])
    chances = model(whole.unsqueeze(0))[0].log_softmax(-1)
    return sum(float(chances[len(prompt) + i - 1, token]) for i, token in enumerate(tokens))


def finished(longest: int, vocab: int, stop: int | None) -> list[tuple[int, ...]]:
    """Every sequence that ends with its first stop token, or is as long as may be."""
    others = [token for token in range(vocab) if token != stop]
    found = list(itertools.product(others, repeat=longest))
    if stop is not None:
        found += [(*start, stop) for n in range(longest) for start in itertools.product(others, repeat=n)]
    return found


@pytest.mark.parametrize("alpha", [0.0, 0.6, 6.0])
@pytest.mark.parametrize("stop", [None, 1])
def test_wide_beams_are_an_exhaustive_search(stop: int | None, alpha: float) -> None:
    for seed in range(4):
        torch.manual_seed(seed)
        model = decoder(vocab=4)
        prompt, valid = padded(2, 4)
        prompt = prompt % 4
        got = generate(model, prompt, Decoding(4, beams=4**3, stop=stop, length_penalty=alpha), valid=valid)
        for row, start, keep in zip(got.tolist(), prompt, valid, strict=True):
            want = max(
                finished(4, 4, stop), key=lambda s: log_chance(model, start[keep], s) / ((5 + len(s)) / 6) ** alpha
            )
            assert tuple(row) == (*want, *([stop] * (len(row) - len(want))))


@pytest.mark.parametrize("beams", [1, 2, 3])
def test_narrow_beams_are_the_slow_search(beams: int) -> None:
    """By the book: lists of hypotheses, one row, no cache, no early end."""
    longest, stop, alpha = 6, 1, 0.6
    for seed in range(4):
        torch.manual_seed(seed)
        model = decoder(vocab=5)
        prompt = torch.randint(0, 5, (1, 3))
        alive, ended = [((), 0.0)], []
        for n in range(1, longest + 1):
            longer = [((*s, t), log_chance(model, prompt[0], (*s, t))) for s, _ in alive for t in range(5)]
            ended += [(s, p / ((5 + n) / 6) ** alpha) for s, p in longer if s[-1] == stop]
            alive = sorted((h for h in longer if h[0][-1] != stop), key=lambda h: -h[1])[:beams]
        ended += [(s, p / ((5 + longest) / 6) ** alpha) for s, p in alive]
        want = max(ended, key=lambda h: h[1])[0]
        if beams > 1:
            got = generate(model, prompt, Decoding(longest, beams=beams, stop=stop, length_penalty=alpha))
            assert tuple(got[0].tolist()) == want


@pytest.mark.parametrize(("chance", "want"), [(0.56, [2]), (0.58, [0, 2])])
def test_the_length_penalty_is_the_published_one(chance: float, want: list[int]) -> None:
    """Ending at once has log 0.4, going on log(0.6 c) over 7 / 6: they are equal at c = 0.572."""

    class Scripted:
        to_come = iter([[0.6, 0.0, 0.4], [0.0, 1 - chance, chance]])

        def __call__(self, tokens: Tensor) -> Tensor:
            return torch.tensor(next(self.to_come)).log().expand(len(tokens), 3)

        def select(self, rows: Tensor) -> None:
            pass

    decoding = Decoding(2, beams=2, stop=2, length_penalty=1.0)
    assert beam_search(Scripted(), torch.zeros(1, 1, dtype=torch.long), decoding).tolist() == [want]


def test_rows_search_by_themselves_and_shorter_ones_are_filled_up() -> None:
    model = translator(position=Rotary)
    source, source_valid = padded(4, 9)
    start = torch.zeros(4, 1, dtype=torch.long)
    lengths = set()
    for stop in range(1, VOCAB):
        decoding = Decoding(9, beams=3, stop=stop)
        together = generate(model, start, decoding, source=source, source_valid=source_valid)
        for i in range(4):
            alone = generate(
                model, start[:1], decoding, source=source[i : i + 1], source_valid=source_valid[i : i + 1]
            )[0]
            lengths.add(len(alone))
            assert together[i].tolist() == alone.tolist() + [stop] * (together.shape[1] - len(alone))
    assert len(lengths) > 2, lengths


def test_of_equals_the_first_is_taken() -> None:
    values, places = top(
        torch.tensor([[1.0, 2.0, 2.0, 0.0, 2.0], [-math.inf, 0.0, -math.inf, -math.inf, -math.inf]]), 3
    )
    assert places[0].tolist() == [1, 2, 4]
    assert values[1].tolist() == [0.0, -math.inf, -math.inf]
    model = decoder()
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
    assert generate(model, torch.ones(1, 1, dtype=torch.long), Decoding(3, beams=4)).tolist() == [[0, 0, 0]]


# refusals


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_new_tokens": 0}, "max_new_tokens must be a whole number of at least 1, got 0"),
        ({"max_new_tokens": True}, "max_new_tokens must be a whole number"),
        ({"temperature": -1.0}, "temperature must be a finite number of at least 0, got -1.0"),
        ({"temperature": math.nan}, "temperature must be a finite number"),
        ({"top_p": 1.5, "temperature": 1.0}, "top_p is a share of the probability"),
        ({"top_k": 3}, "top_k narrows what is sampled: set a temperature above 0"),
        ({"beams": 2, "temperature": 1.0}, "beam search does not sample"),
        ({"length_penalty": -0.1}, "length_penalty must be a finite number"),
        ({"stop": -1}, "stop must be a whole number of at least 0"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Decoding(**{"max_new_tokens": 4} | options)


def test_what_cannot_be_decoded_is_refused_before_it_starts() -> None:
    model, prompt = decoder(position=partial(Learned, length=8)), torch.ones(2, 5, dtype=torch.long)
    assert generate(model, prompt, Decoding(4)).shape == (2, 4)
    with pytest.raises(ValueError, match=r"5 prompt .* 5 new ones need 9 positions, the model has 8: .* at most 4"):
        stream(model, prompt, Decoding(5))
    padding = torch.tensor([[False, True, True, True, True]] * 2)
    assert generate(model, prompt, Decoding(5), valid=padding).shape == (2, 5)
    with pytest.raises(ValueError, match="row 0 of the prompt ends in padding: prompts are padded on the left"):
        generate(model, prompt, Decoding(2), valid=padding.flip(1))
    with pytest.raises(ValueError, match="token 11 is outside the vocabulary of 11"):
        generate(model, prompt * 11, Decoding(2))
    with pytest.raises(ValueError, match="token 12 is outside the vocabulary of 11"):
        generate(model, prompt, Decoding(2, stop=12))
    with pytest.raises(ValueError, match="at least one in each row"):
        generate(model, prompt[:, :0], Decoding(2))
    with pytest.raises(ValueError, match="Encoder does not give the next token"):
        generate(Encoder(dim=8, layers=1, heads=2, vocab=VOCAB).eval(), prompt, Decoding(2))
    with pytest.raises(ValueError, match="Decoder reads no source"):
        generate(model, prompt, Decoding(2), source=prompt)
    with pytest.raises(ValueError, match="EncoderDecoder reads a source"):
        generate(translator(), prompt, Decoding(2))
    with pytest.raises(ValueError, match="2 beams cannot be streamed"):
        stream(model, prompt, Decoding(2, beams=2))
    with pytest.raises(ValueError, match=r"call model\.eval\(\) first"):
        generate(model.train(), prompt, Decoding(2))
