"""Generate tokens after a prompt, all at once or as they come."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from blocks.generation.beam import beam_search
from blocks.generation.decoding import Decoding
from blocks.generation.sampling import choose
from blocks.generation.steps import Steps, start
from blocks.topology.base import Topology


def generate(
    model: Topology,
    prompt: Tensor,
    decoding: Decoding,
    *,
    valid: Tensor | None = None,
    prefix: Tensor | None = None,
    source: Tensor | None = None,
    source_valid: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """The new tokens of every row, int [b n], n <= max_new_tokens; a row that has stopped is filled up with `stop`.

    prompt: int [b n], what the new tokens follow: for an encoder-decoder the start of the target. valid: bool [b n],
    False on padding, which stands on the left. prefix: bool [b n], for a prefix language model. source: int [b k] and
    source_valid: bool [b k], for an encoder-decoder. generator: of the random numbers, when sampling.
    Raises ValueError, before anything is computed, for a model that gives no next token or is in training mode, and for
    a prompt that is empty, padded on the right, outside the vocabulary, or too long for the model's positions.
    """
    first = _given(valid=valid, prefix=prefix, source=source, source_valid=source_valid)
    _check(model, prompt, decoding, first)
    with torch.inference_mode():
        steps = start(model, first)
        if decoding.beams > 1:
            tokens = beam_search(steps, prompt, decoding)
        else:
            tokens = torch.stack(list(_choose_all(steps, prompt, decoding, generator)), dim=1)
    # a tensor made in inference mode could not be trained on later
    return tokens.clone()


def stream(
    model: Topology,
    prompt: Tensor,
    decoding: Decoding,
    *,
    valid: Tensor | None = None,
    prefix: Tensor | None = None,
    source: Tensor | None = None,
    source_valid: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Iterator[Tensor]:
    """The tokens of `generate` one step at a time, each int [b]; arguments and errors as there.

    Raises ValueError for beam search, which knows its tokens only at the end.
    """
    if decoding.beams > 1:
        raise ValueError(
            f"{decoding.beams} beams cannot be streamed, they know their tokens only at the end: use generate"
        )
    first = _given(valid=valid, prefix=prefix, source=source, source_valid=source_valid)
    _check(model, prompt, decoding, first)
    return _streamed(model, prompt, decoding, first, generator)


def _streamed(
    model: Topology,
    prompt: Tensor,
    decoding: Decoding,
    first: dict[str, Tensor],
    generator: torch.Generator | None,
) -> Iterator[Tensor]:
    with torch.inference_mode():
        chosen = _choose_all(start(model, first), prompt, decoding, generator)
    while True:
        # the mode must not leak into the caller's code between two steps
        with torch.inference_mode():
            token = next(chosen, None)
        if token is None:
            return
        yield token.clone()


def _choose_all(
    steps: Steps, prompt: Tensor, decoding: Decoding, generator: torch.Generator | None
) -> Iterator[Tensor]:
    """Greedy or sampled tokens, step by step: int [b]."""
    done = torch.zeros(len(prompt), dtype=torch.bool, device=prompt.device)
    tokens = prompt
    for _ in range(decoding.max_new_tokens):
        token = choose(steps(tokens), decoding, generator)
        if decoding.stop is not None:
            token = token.masked_fill(done, decoding.stop)
            done = done | (token == decoding.stop)
        yield token
        if decoding.stop is not None and bool(done.all()):
            return
        tokens = token.unsqueeze(-1)


def _given(**named: Tensor | None) -> dict[str, Tensor]:
    return {name: value for name, value in named.items() if value is not None}


def _check(model: Topology, prompt: Tensor, decoding: Decoding, first: dict[str, Tensor]) -> None:
    kind = type(model).__name__
    if "next token" not in model.provides:
        raise ValueError(f"{kind} does not give the next token: generate with a decoder or an encoder_decoder")
    if model.training:
        raise ValueError("the model is in training mode, with dropout at work: call model.eval() first")
    if prompt.dim() != 2 or not prompt.numel() or prompt.is_floating_point():
        got = f"{prompt.dtype} {list(prompt.shape)}"
        raise ValueError(f"the prompt must be token ids [b n], at least one in each row, got {got}")
    highest = max(int(prompt.max()), 0 if decoding.stop is None else decoding.stop)
    if model.vocab is not None and (int(prompt.min()) < 0 or highest >= model.vocab):
        wrong = min(int(prompt.min()), 0) or highest
        raise ValueError(f"token {wrong} is outside the vocabulary of {model.vocab} (0 to {model.vocab - 1})")
    if "source" in model.provides and "source" not in first:
        raise ValueError(f"{kind} reads a source: give `source`")
    if "source" not in model.provides and first.keys() & {"source", "source_valid"}:
        raise ValueError(f"{kind} reads no source: leave `source` and `source_valid` out")
    _check_length(model, prompt, decoding, first.get("valid"))


def _check_length(model: Topology, prompt: Tensor, decoding: Decoding, valid: Tensor | None) -> None:
    used = prompt.shape[1]
    if valid is not None:
        if valid.shape != prompt.shape:
            raise ValueError(f"`valid` must have the prompt's shape {list(prompt.shape)}, got {list(valid.shape)}")
        if not bool(valid[:, -1].all()):
            row = int(valid[:, -1].long().argmin())
            raise ValueError(f"row {row} of the prompt ends in padding: prompts are padded on the left")
        used = int(valid.sum(1).max())
    # the last new token is never read
    needed = used + decoding.max_new_tokens - 1
    if model.longest is not None and needed > model.longest:
        raise ValueError(
            f"{used} prompt tokens and {decoding.max_new_tokens} new ones need {needed} positions, the model has "
            f"{model.longest}: shorten the prompt or set max_new_tokens to at most {max(model.longest - used + 1, 0)}"
        )
