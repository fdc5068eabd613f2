"""What a model reads for a text, and what it makes of it: tokens, maps, the next token it expects."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from blocks.generation import Decoding, generate
from blocks.topology import EncoderDecoder, Topology
from experiments.attention_maps.gather import Gathered, StackMaps, gather
from experiments.attention_maps.vocabulary import Vocabulary
from experiments.attention_maps.words import Word

StreamName = Literal["text", "source", "target"]


@dataclass(frozen=True)
class Guess:
    """The token that a model expects next, and how surely."""

    word: Word
    probability: float


@dataclass(frozen=True)
class Stream:
    """Tokens that a model reads. guesses: for each of them what it expects to follow, where it says so."""

    words: Sequence[Word]
    guesses: Sequence[Guess] = ()


@dataclass(frozen=True)
class Reading:
    """A model's reading of a text. streams: "text", or "source" and "target"."""

    streams: Mapping[StreamName, Stream]
    stacks: Sequence[StackMaps]

    def queries(self, stack: StackMaps) -> StreamName:
        """The stream that looks."""
        return "text" if "text" in self.streams else "source" if stack.name == "encoder" else "target"

    def keys(self, stack: StackMaps) -> StreamName:
        """The stream that is looked at."""
        return "text" if "text" in self.streams else "target" if stack.name == "decoder" else "source"


def read(
    model: Topology,
    vocabulary: Vocabulary,
    text: str,
    target: str | None = None,
    *,
    limit: int,
    layers: Collection[int] | None = None,
    heads: Collection[int] | None = None,
) -> Reading:
    """Run the model on a text. target: of an encoder-decoder; its own greedy answer unless given.

    limit: the most tokens on either side. Raises ValueError, with what would do, where the model cannot read it.
    """
    two = "source" in model.provides
    _check_model(model, target, two)
    ids = {"source" if two else "text": _checked(vocabulary.source(text), "the text", model, limit, two)}
    if two:
        answer = _answer(model, vocabulary, ids["source"], limit) if target is None else vocabulary.target(target)
        ids["target"] = _checked(answer, "the target", model, limit, False)
    given = {"source" if name == "source" else "tokens": torch.tensor([found]) for name, found in ids.items()}
    found = gather(model, given, layers, heads)
    streams = {name: Stream(vocabulary.words(numbers)) for name, numbers in ids.items()}
    last = "target" if two else "text"
    streams[last] = Stream(streams[last].words, _guesses(model, vocabulary, found))
    return Reading(streams, found.stacks)  # type: ignore[arg-type]


def _check_model(model: Topology, target: str | None, two: bool) -> None:
    reads = getattr(model, "source_embedding", None) or model.embedding
    if "tokens" not in reads.provides:
        raise ValueError(f"the model reads {', '.join(sorted(reads.provides)) or 'nothing'}, not text")
    if "tokens" not in model.embedding.provides:
        raise ValueError("the decoder of the model reads no tokens")
    if target is not None and not two:
        raise ValueError("the model has one stream: a target is for an encoder-decoder")


def _checked(ids: Sequence[int], what: str, model: Topology, limit: int, source: bool) -> list[int]:
    if not ids:
        raise ValueError(f"{what} is empty")
    vocab = _vocab(model, source)
    if wrong := [i for i in ids if i < 0 or (vocab is not None and i >= vocab)]:
        raise ValueError(f"{what} has the token {wrong[0]}, outside the model's vocabulary of {vocab}")
    longest = model.encoder.longest if source and isinstance(model, EncoderDecoder) else model.longest
    if longest is not None and len(ids) > longest:
        raise ValueError(f"{what} has {len(ids)} tokens, the model has {longest} positions: give a shorter one")
    if len(ids) > limit:
        raise ValueError(
            f"{what} has {len(ids)} tokens and a map as many rows, the limit is {limit}: give a shorter one, or raise "
            f"--limit"
        )
    return list(ids)


def _vocab(model: Topology, source: bool) -> int | None:
    own = getattr(model, "source_embedding", None) if source else None
    table: Tensor | None = (own or model.embedding).weight
    return model.vocab if table is None else len(table)


def _answer(model: Topology, vocabulary: Vocabulary, source: Sequence[int], limit: int) -> list[int]:
    """What the decoder reads while it writes its own greedy answer."""
    if vocabulary.start is None:
        raise ValueError("nobody has said how a target begins: give one (--target), or its first token (--start)")
    # a model that never comes to an end is stopped; where nothing ends an answer, its length is that of the question
    enough = len(source) if vocabulary.stop is None else 2 * len(source) + 16
    room = min(enough, min(limit, model.longest or limit) - len(vocabulary.start))
    if room < 1:
        return vocabulary.start
    decoding = Decoding(max_new_tokens=room, stop=vocabulary.stop)
    found = generate(model, torch.tensor([vocabulary.start]), decoding, source=torch.tensor([list(source)]))[0].tolist()
    if vocabulary.stop in found:
        found = found[: found.index(vocabulary.stop)]
    return [*vocabulary.start, *found]


def _guesses(model: Topology, vocabulary: Vocabulary, found: Gathered) -> list[Guess]:
    """The likeliest next token after each one; none for a model that does not tell."""
    if "next token" not in model.provides or "tokens" not in model.head.provides:
        return []
    best = found.logits.float().softmax(-1).max(-1)
    words = [vocabulary.words([i])[0] for i in best.indices.tolist()]
    return [Guess(word, value) for word, value in zip(words, best.values.tolist(), strict=True)]
