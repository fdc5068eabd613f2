"""Tables with one mistake each, and the check that must catch it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from blocks.conversion import GPT2, Rule
from blocks.conversion.layout import Layout, Sizes
from blocks.conversion.plan import Line


class NormForgotten(GPT2):
    """Has no rule for the last norm."""

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        return [line for line in super().tensors(model) if "ln_f" not in str(line)]


class _Halving(Layout):
    """Rearranges nothing and halves every number, in both directions."""

    def apply(self, tensors: Sequence[Tensor], sizes: Sizes) -> list[Tensor]:
        return [tensor / 2 for tensor in tensors]

    def reversed(self) -> Layout:
        return self


class _Halved(Rule):
    def full_layout(self) -> Layout:
        return _Halving(*vars(Layout.parse("v m -> v m")).values())


class Halves(GPT2):
    """Reads half of what is in the file, and writes half of what the model has."""

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        others = [line for line in super().tensors(model) if "wte.weight ->" not in str(line)]
        return [*others, _Halved("transformer.wte.weight", "embedding.table.weight")]


class PrefixMisspelt(GPT2):
    """A prefix that stands before no name."""

    prefix = "transfromer."


class EpsilonForgotten(GPT2):
    """Does not write the norm's eps, which is then read as the default."""

    tiny = {**GPT2.tiny, "layer_norm_epsilon": 1e-3}  # noqa: RUF012

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in super().config(model).items() if key != "layer_norm_epsilon"}


class ReadsPast(GPT2):
    """Takes its settings without looking at the others."""

    def read(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return {**self.settings, **config}


class DeafToASwitch(GPT2):
    """Lists a switch among its settings and does nothing with it."""

    settings = {**GPT2.settings, "scale_attn_by_inverse_layer_idx": False}  # noqa: RUF012
    fixed = {}  # noqa: RUF012


BUGS = [
    ("conversion", NormForgotten, "each parameter has one rule"),
    ("conversion", Halves, "weights that are written are read again, bit for bit"),
    ("conversion", PrefixMisspelt, "short names are read too"),
    ("conversion", EpsilonForgotten, "a config that is written is read as the same model"),
    ("conversion", ReadsPast, "what it does not implement is refused by name"),
    ("conversion", DeafToASwitch, "no setting is read in vain"),
]
