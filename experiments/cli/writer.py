"""A model that writes text, of a run or of a folder with weights, and the prompts that it goes on from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from experiments.cli.weights import has_weights
from registry.errors import Problem, SpecError

if TYPE_CHECKING:
    from torch import Tensor

    from blocks.generation import Decoding
    from blocks.topology import Topology
    from experiments.attention_maps.vocabulary import Vocabulary
    from experiments.trained import Trained


@dataclass(frozen=True)
class Writer:
    """Goes on from a prompt; where there is an encoder, that reads the prompt and the decoder answers it."""

    model: Topology
    vocabulary: Vocabulary

    @property
    def answers(self) -> bool:
        """Whether the text that it writes is an answer, not the prompt's own continuation."""
        return "source" in self.model.provides

    def write(self, prompts: Sequence[str], decoding: Decoding, seed: int) -> list[str]:
        """The new text behind each prompt, all of them together. Raises ValueError."""
        import torch

        from blocks.generation import generate

        start, given = self._read(prompts)
        random = torch.Generator().manual_seed(seed)
        found = generate(self.model, start, decoding, generator=random, **given)
        return [self.vocabulary.text(_before(ids, decoding.stop)) for ids in found.tolist()]

    def stream(self, prompt: str, decoding: Decoding, seed: int) -> Iterator[str]:
        """The new text in the pieces in which it becomes known. Raises ValueError."""
        import torch

        from blocks.generation import stream

        start, given = self._read([prompt])
        random = torch.Generator().manual_seed(seed)
        shown, found = "", []
        for step in stream(self.model, start, decoding, generator=random, **given):
            found.append(int(step[0]))
            text = self.vocabulary.text(_before(found, decoding.stop))
            # a character of several bytes is shown when its last byte has come
            whole = text.rstrip("\ufffd")
            if len(whole) > len(shown) and whole.startswith(shown):
                yield whole[len(shown) :]
                shown = whole
        rest = self.vocabulary.text(_before(found, decoding.stop))[len(shown) :]
        if rest:
            yield rest

    def _read(self, prompts: Sequence[str]) -> tuple[Tensor, dict[str, Any]]:
        """What the new tokens follow, int [b n], and the other arguments of `generate`."""
        import torch

        from experiments.data.loader import pad

        ids = [self.vocabulary.source(prompt) for prompt in prompts]
        if any(not found for found in ids):
            raise ValueError("the prompt is empty")
        padded, valid = pad(ids, 0)
        if self.answers:
            if self.vocabulary.start is None:
                raise ValueError("nobody knows how an answer begins: there is no tokenizer.json beside the weights")
            start = torch.tensor([self.vocabulary.start]).expand(len(ids), -1)
            return start, {"source": padded, "source_valid": valid}
        # on the left, so that what follows a prompt follows its last token
        padded, valid = padded.clone(), valid.clone()
        for row, found in enumerate(ids):
            padded[row], valid[row] = padded[row].roll(-len(found)), valid[row].roll(-len(found))
        return padded, {} if bool(valid.all()) else {"valid": valid}


def writer_of(run: Path, plugins: tuple[str, ...]) -> Writer:
    """The model of a run, or of a folder with weights. Raises UsageError and SpecError for one that writes no text."""
    from experiments.attention_maps.vocabulary import RunVocabulary, vocabulary_in

    if has_weights(run):
        from blocks.topology import Topology
        from registry import load_pretrained

        try:
            vocabulary, model = vocabulary_in(run), load_pretrained(run, plugins=plugins)
        except ValueError as error:
            raise SpecError([Problem("", str(error))]) from None
        assert isinstance(model, Topology)
        if "next token" not in model.provides:
            raise click.UsageError(
                f"the model in {run} does not predict the next token, so it cannot go on from a text"
            )
        return Writer(model, vocabulary)
    from experiments.trained import load_trained

    trained = load_trained(run, plugins)
    if trained.folder != run:
        click.echo(f"the best trial: {trained.folder}", err=True)
    demand_text(trained, run)
    return Writer(trained.model, RunVocabulary(trained.data))


def demand_text(trained: Trained, run: Path) -> None:
    """Raise UsageError, with the command that fits, unless the model of a run reads and writes text."""
    task, instead = trained.spec["task"]["kind"], f"see `swapformer predict {run} INPUT`"
    if "next token" not in trained.model.provides:
        raise click.UsageError(f"the model in {run} does not predict tokens but was trained on {task}: {instead}")
    if trained.data.tokenizer is None or not trained.data.provides & {"running text", "pairs", "text tasks"}:
        raise click.UsageError(f"the model in {run} reads no text, it was trained on {task}: {instead}")


def _before(ids: list[int], stop: int | None) -> list[int]:
    """The ids before the first `stop`."""
    return ids[: ids.index(stop)] if stop in ids else ids
