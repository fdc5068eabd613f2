"""Beam search."""

from __future__ import annotations

import torch
from einops import rearrange, repeat
from torch import Tensor

from blocks.generation.decoding import Decoding
from blocks.generation.steps import Steps


def beam_search(steps: Steps, prompt: Tensor, decoding: Decoding) -> Tensor:
    """Of the sequences met, the one with the highest log P / ((5 + n) / 6)^alpha; int [b n], filled up with `stop`.

    Each step keeps the likeliest `beams` unfinished sequences of each row; ending any of them is always considered. At
    max_new_tokens the unfinished ones compete as they are. The search ends early only when no unfinished sequence can
    still win. Of equal candidates the first wins: by beam, then by token. prompt: int [b n].
    """
    logits = steps(prompt)
    b, v, k, longest = *logits.shape, decoding.beams, decoding.max_new_tokens
    rows = torch.arange(b, device=logits.device)
    steps.select(repeat(rows, "b -> (b k)", k=k))
    # one sequence to start from; the other beams are empty until it has branched
    chances = torch.full((b, k), -torch.inf, dtype=_exact(logits), device=logits.device)
    chances[:, 0] = 0.0
    alive = prompt.new_empty(b, k, 0)
    logits = repeat(logits, "b v -> (b k) v", k=k)
    best = _Best(b, longest, decoding.stop, chances)

    for n in range(1, longest + 1):
        extended = chances.unsqueeze(-1) + rearrange(logits.to(chances.dtype).log_softmax(-1), "(b k) v -> b k v", k=k)
        if decoding.stop is not None:
            ended, beam = extended[..., decoding.stop].max(-1)
            best.offer(ended / _penalty(n, decoding), alive[rows, beam])
            extended[..., decoding.stop] = -torch.inf
        chances, picked = top(rearrange(extended, "b k v -> b (k v)"), k)
        beam, token = picked // v, picked % v
        alive = torch.cat([alive[rows.unsqueeze(-1), beam], token.unsqueeze(-1)], dim=-1)
        # log P only falls and the penalty only grows: this is the best that the likeliest can come to
        if n == longest or bool((chances[:, 0] / _penalty(longest, decoding) <= best.score).all()):
            break
        steps.select(rearrange(beam + k * rows.unsqueeze(-1), "b k -> (b k)"))
        logits = steps(rearrange(token, "b k -> (b k) 1"))
    best.offer(chances[:, 0] / _penalty(n, decoding), alive[:, 0])
    return best.tokens[:, : int(best.length.max())]


def top(scores: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The `count` highest scores of each row and where they stand, first of equals first. [b n] -> two of [b count].

    Where a row has fewer finite scores the rest are -inf. (`torch.topk` does not say which of equals it takes.)
    """
    scores, found = scores.clone(), []
    for _ in range(count):
        where = scores.argmax(-1, keepdim=True)
        found.append((scores.gather(-1, where), where))
        scores.scatter_(-1, where, -torch.inf)
    values, places = zip(*found, strict=True)
    return torch.cat(values, dim=-1), torch.cat(places, dim=-1)


class _Best:
    """The best finished sequence of each row so far. score: [b]; tokens: [b n]; length: [b], with the stop token."""

    def __init__(self, rows: int, longest: int, stop: int | None, like: Tensor) -> None:
        self.score = like.new_full((rows,), -torch.inf)
        self.tokens = torch.full((rows, longest), stop or 0, device=like.device)
        self.length = torch.zeros(rows, dtype=torch.long, device=like.device)
        self.stop = stop

    def offer(self, score: Tensor, tokens: Tensor) -> None:
        """Take over each row of `tokens` [b n] whose score is higher, a stop token added where there is room."""
        better, n = score > self.score, tokens.shape[1]
        filled = torch.full_like(self.tokens, self.stop or 0)
        filled[:, :n] = tokens
        self.score = torch.where(better, score, self.score)
        self.tokens = torch.where(better.unsqueeze(-1), filled, self.tokens)
        self.length = self.length.masked_fill(better, min(n + 1, self.tokens.shape[1]))


def _penalty(n: int, decoding: Decoding) -> float:
    return float(((5 + n) / 6) ** decoding.length_penalty)


def _exact(logits: Tensor) -> torch.dtype:
    return torch.promote_types(logits.dtype, torch.float32)
