"""Whole models with one mistake each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from blocks.attention import FullAttention
from blocks.masks import Causal, Full
from blocks.tap import Tap
from blocks.topology import Decoder, DecodeState, Encoder, EncoderDecoder, Output

from .broken_parts import CHANCE, DTYPE, FLOAT64, GRADIENTS, META, SAVES


class Tiny(Decoder):
    """Right: a decoder of the contract's size."""

    def __init__(self, *, dim: int, layers: int, heads: int, vocab: int) -> None:
        super().__init__(dim=dim, layers=layers, heads=heads, vocab=vocab)

    def leave(self, out: Output) -> Output:
        return out

    def run(
        self,
        tokens: Tensor,
        *,
        valid: Tensor | None = None,
        segment: Tensor | None = None,
        prefix: Tensor | None = None,
        globals: Tensor | None = None,
        state: DecodeState | None = None,
    ) -> Output:
        return self.leave(
            super().run(tokens, valid=valid, segment=segment, prefix=prefix, globals=globals, state=state)
        )


class TinyPrefix(Decoder):
    """Right: a prefix decoder of the contract's size."""

    def __init__(self, *, dim: int, layers: int, heads: int, vocab: int, prefix: bool = True) -> None:
        super().__init__(dim=dim, layers=layers, heads=heads, vocab=vocab, prefix=prefix)


class TinyEncoder(Encoder):
    """Right: an encoder of the contract's size."""

    def __init__(self, *, dim: int, layers: int, heads: int, vocab: int) -> None:
        super().__init__(dim=dim, layers=layers, heads=heads, vocab=vocab)


class TinyTranslator(EncoderDecoder):
    """Right: an encoder-decoder of the contract's size."""

    def __init__(self, *, dim: int, layers: int, heads: int, vocab: int) -> None:
        super().__init__(dim=dim, layers=layers, heads=heads, vocab=vocab)


class SeesFuture(Tiny):
    def __init__(self, *, dim: int, layers: int, heads: int, vocab: int) -> None:
        super().__init__(dim=dim, layers=layers, heads=heads, vocab=vocab)
        self.mask = Full()


class SeesNoFuture(TinyEncoder):
    def run(self, tokens: Tensor, **given: Any) -> Output:
        hidden = torch.cat([super(SeesNoFuture, self).run(tokens[:, : i + 1]).hidden[:, i:] for i in range(8)], 1)
        return Output(hidden, hidden)


class ForgetsPrefix(TinyPrefix):
    def __init__(self, *, dim: int, layers: int, heads: int, vocab: int, prefix: bool = True) -> None:
        super().__init__(dim=dim, layers=layers, heads=heads, vocab=vocab, prefix=prefix)
        self.mask = Causal()


class PrefixCountsAsValid(TinyPrefix):
    def run(self, tokens: Tensor, *, valid: Tensor | None = None, prefix: Tensor | None = None, **given: Any) -> Output:
        both = valid if valid is None or prefix is None else valid | prefix
        return super().run(tokens, valid=both, prefix=prefix, **given)


class ForgetsSegments(Tiny):
    def run(self, tokens: Tensor, *, segment: Tensor | None = None, **given: Any) -> Output:
        return super().run(tokens, **given)


class MixesRows(Tiny):
    def leave(self, out: Output) -> Output:
        return replace(out, hidden=out.hidden - 0.1 * out.hidden.mean(0, keepdim=True))


class ReadsOneSourceToken(TinyTranslator):
    def encode(self, source: Tensor, source_valid: Tensor | None = None, tap: Tap | None = None) -> Any:
        return super().encode(source[:, :1], None if source_valid is None else source_valid[:, :1])


class ForgetsSourcePadding(TinyTranslator):
    def encode(self, source: Tensor, source_valid: Tensor | None = None, tap: Tap | None = None) -> Any:
        return super().encode(source)


class ForgetsPadding(Tiny):
    def run(self, tokens: Tensor, *, valid: Tensor | None = None, **given: Any) -> Output:
        return super().run(tokens, **given)


class EncodesPadding(TinyEncoder):
    def run(self, tokens: Tensor, *, valid: Tensor | None = None, **given: Any) -> Output:
        return super().run(tokens, **given)


class StandsStill(Tiny):
    """Every step of decoding stands at position 0."""

    def run(self, tokens: Tensor, *, state: DecodeState | None = None, **given: Any) -> Output:
        if state is not None:
            state.start = 0
        return super().run(tokens, state=state, **given)


class CountsPadding(Tiny):
    def run(self, tokens: Tensor, *, state: DecodeState | None = None, **given: Any) -> Output:
        if state is not None:
            state.offset = None
        return super().run(tokens, state=state, **given)


class SharesState(Tiny):
    def new_state(self) -> DecodeState:
        state = super().new_state()
        state.select = lambda rows: replace(state, offset=None)  # type: ignore[method-assign]
        return state


class OneRow(Tiny):
    def example(self, batch: int, length: int) -> dict[str, Tensor]:
        return super().example(1, length)


class WrongShape(Tiny):
    def leave(self, out: Output) -> Output:
        return replace(out, hidden=out.hidden[:, 1:])


class CannotDecode(FullAttention):
    """Right: says that it cannot decode."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__(dim, heads)
        self.provides = type(self).provides - {"decode"}


class PretendsToDecode(Decoder):
    def __init__(self, *, dim: int, layers: int, heads: int, vocab: int) -> None:
        super().__init__(dim=dim, layers=layers, heads=heads, vocab=vocab, attention=CannotDecode)


class Unused(Tiny):
    def __init__(self, *, dim: int, layers: int, heads: int, vocab: int) -> None:
        super().__init__(dim=dim, layers=layers, heads=heads, vocab=vocab)
        self.forgotten = nn.Parameter(torch.ones(dim))


class Chance(Tiny):
    def leave(self, out: Output) -> Output:
        return replace(out, logits=out.logits + torch.rand(()))


class ForgetsState(Tiny):
    def __init__(self, *, dim: int, layers: int, heads: int, vocab: int) -> None:
        super().__init__(dim=dim, layers=layers, heads=heads, vocab=vocab)
        self.noise = torch.rand(())

    def leave(self, out: Output) -> Output:
        return replace(out, logits=out.logits + self.noise)


class Single(Tiny):
    def leave(self, out: Output) -> Output:
        return replace(out, logits=out.logits.float())


class Rounded(Tiny):
    def leave(self, out: Output) -> Output:
        return replace(out, logits=out.logits.float().to(out.logits.dtype))


class AsksForNumbers(Tiny):
    def leave(self, out: Output) -> Output:
        return out if float(out.logits.abs().max()) < 1e9 else replace(out, logits=0 * out.logits)


CACHED = "cached decoding is the full pass"

BUGS: list[tuple[str, type, str]] = [
    ("topology", SeesFuture, "no token sees a later one"),
    ("topology", SeesNoFuture, "a token depends on both sides"),
    ("topology", ForgetsPrefix, "the prefix is visible to all, the rest to what follows"),
    ("topology", PrefixCountsAsValid, "a prefix does not make padding visible"),
    ("topology", ForgetsSegments, "packed documents do not see each other"),
    ("topology", MixesRows, "rows of a batch do not know of each other"),
    ("topology", ReadsOneSourceToken, "the whole source is read"),
    ("topology", ForgetsSourcePadding, "padding in a source is invisible"),
    ("topology", ForgetsPadding, "padding on the left is invisible"),
    ("topology", EncodesPadding, "padding on the right is invisible"),
    ("topology", StandsStill, CACHED),
    ("topology", PretendsToDecode, CACHED),
    ("topology", CountsPadding, "cached decoding of left-padded rows is each row"),
    ("topology", SharesState, "beams can be reordered while decoding"),
    ("topology", WrongShape, "logits and hidden states have their shapes"),
    ("topology", OneRow, "has an example of a call"),
    ("topology", Unused, GRADIENTS),
    ("topology", Chance, CHANCE),
    ("topology", ForgetsState, SAVES),
    ("topology", Single, DTYPE),
    ("topology", Rounded, FLOAT64),
    ("topology", AsksForNumbers, META),
]
