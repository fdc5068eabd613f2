"""What a model reads, and what it is asked about it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from blocks.generation import Decoding, generate
from blocks.position import Learned
from blocks.topology import Decoder, Encoder, EncoderDecoder
from experiments.attention_maps.reading import read
from experiments.attention_maps.vocabulary import Numbers, RunVocabulary
from experiments.data import ParallelText
from registry.part import Builder

SIZES: dict[str, Any] = {"dim": 16, "layers": 2, "heads": 2, "vocab": 12}


def texts(reading: Any, name: str) -> list[str]:
    return [word.text for word in reading.streams[name].words]


def test_one_stream() -> None:
    model = Decoder(**SIZES).eval()
    reading = read(model, Numbers(), "3 1 4", limit=10)
    assert texts(reading, "text") == ["3", "1", "4"]
    (stack,) = reading.stacks
    assert (stack.name, reading.queries(stack), reading.keys(stack)) == ("decoder", "text", "text")
    likely = model(torch.tensor([[3, 1, 4]])).softmax(-1)[0].max(-1)
    guesses = reading.streams["text"].guesses
    assert [guess.word.text for guess in guesses] == [str(i) for i in likely.indices.tolist()]
    np.testing.assert_allclose([guess.probability for guess in guesses], likely.values.tolist(), rtol=1e-5)


def test_a_model_that_expects_no_next_token_says_nothing() -> None:
    assert read(Encoder(**SIZES).eval(), Numbers(), "3 1", limit=9).streams["text"].guesses == []


def test_two_streams() -> None:
    reading = read(EncoderDecoder(**SIZES).eval(), Numbers(), "3 1 4", "5 9", limit=10)
    assert (texts(reading, "source"), texts(reading, "target")) == (["3", "1", "4"], ["5", "9"])
    sides = {stack.name: (reading.queries(stack), reading.keys(stack)) for stack in reading.stacks}
    assert sides == {
        "encoder": ("source", "source"),
        "decoder": ("target", "target"),
        "cross": ("target", "source"),
    }
    assert len(reading.streams["target"].guesses) == 2 and not reading.streams["source"].guesses


def test_the_target_is_the_greedy_answer_unless_given() -> None:
    model = EncoderDecoder(**{**SIZES, "vocab": 259}).eval()
    vocabulary = RunVocabulary(ParallelText())
    reading = read(model, vocabulary, "hi", limit=40)
    source = torch.tensor([[*b"hi", 258]])
    start = torch.tensor([[257]])
    answer = generate(model, start, Decoding(max_new_tokens=22, stop=258), source=source)[0].tolist()
    answer = answer[: answer.index(258)] if 258 in answer else answer
    assert texts(reading, "target") == [word.text for word in vocabulary.words([257, *answer])]
    # shorter where the limit says so, and no longer than the question where nothing ends an answer
    assert len(texts(read(model, vocabulary, "hi", limit=4), "target")) <= 4
    endless = read(EncoderDecoder(**SIZES).eval(), Numbers("7 8"), "1 2 3", limit=10)
    assert len(texts(endless, "target")) == 5 and texts(endless, "target")[:2] == ["7", "8"]


def test_what_ends_an_answer_is_not_read() -> None:
    model, vocabulary = EncoderDecoder(**SIZES).eval(), Numbers("7")
    whole = texts(read(model, vocabulary, "1 2 3", limit=10), "target")
    vocabulary.stop = int(whole[-1])
    cut = texts(read(model, vocabulary, "1 2 3", limit=10), "target")
    assert cut == whole[: whole.index(whole[-1], 1)]


@pytest.mark.parametrize(
    ("kind", "text", "target", "words"),
    [
        (Decoder, "3 12", None, "the text has the token 12, outside the model's vocabulary of 12"),
        (Decoder, "3 -1", None, "the token -1"),
        (Decoder, " ", None, "the text is empty"),
        (Decoder, "1 2 3 4 5 6 7", None, "has 7 tokens and a map as many rows, the limit is 6.*raise --limit"),
        (Decoder, "1 2 3 4 5", None, "the text has 5 tokens, the model has 4 positions"),
        (Decoder, "1 2", "3", "one stream: a target is for an encoder-decoder"),
        (EncoderDecoder, "1 2", None, "nobody has said how a target begins"),
        (EncoderDecoder, "1 2", "", "the target is empty"),
        (EncoderDecoder, "1 2", "13", "the target has the token 13"),
        (EncoderDecoder, "1 2 3 4 5", "1", "the text has 5 tokens, the model has 4 positions"),
    ],
)
def test_what_cannot_be_read_is_refused(kind: Any, text: str, target: str | None, words: str) -> None:
    positions = {"position": Builder(Learned, {"length": 4})} if "4 positions" in words else {}
    with pytest.raises(ValueError, match=words):
        read(kind(**SIZES, **positions).eval(), Numbers(), text, target, limit=6)


def test_a_model_that_reads_no_text() -> None:
    model = Encoder(**SIZES)
    model.embedding.provides = frozenset({"images"})  # type: ignore[misc]
    with pytest.raises(ValueError, match="the model reads images, not text"):
        read(model, Numbers(), "1", limit=5)
