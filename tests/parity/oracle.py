"""Reference outputs of published implementations, read from the folders beside this file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from einops import rearrange
from safetensors.torch import load_file
from torch import Tensor

from blocks.attention import Attention


@dataclass(frozen=True)
class Oracle:
    """meta: config.json; weights and tensors: float32 as stored; README.md of the folder says what they mean."""

    meta: dict[str, Any]
    weights: dict[str, Tensor]
    tensors: dict[str, Tensor]

    @classmethod
    def load(cls, name: str) -> Oracle:
        folder = Path(__file__).parent / name
        meta = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        return cls(meta, load_file(folder / "weights.safetensors"), load_file(folder / "cases.safetensors"))

    def input(self, case: str, name: str) -> Tensor:
        """An input; numbers in the default dtype."""
        given = self.tensors[f"{case}/in/{name}"]
        return given.to(torch.get_default_dtype()) if given.is_floating_point() else given

    def inputs(self, case: str, *names: str) -> tuple[Tensor, ...]:
        return tuple(self.input(case, name) for name in names)

    def check(self, case: str, name: str, got: Tensor) -> None:
        """Raise AssertionError where an output is further from the reference than `difference` allows."""
        error, allowed = self.difference(case, name, got)
        assert error <= allowed, f"{case}: {name} is off by {error:.2g}, allowed are {allowed:.2g}"

    def difference(self, case: str, name: str, got: Tensor) -> tuple[float, float]:
        """The largest absolute difference where it counts, and the largest one allowed.

        That is 1e-9 of the scale with a float64 reference, else as float32 allows; nothing for whole numbers.
        """
        got = got.detach()
        want, double = self.reference(case, name, got.dtype), self.is_double(case, name, got.dtype)
        assert got.shape == want.shape, f"{case}: {name} is {list(got.shape)}, not {list(want.shape)}"
        if not want.is_floating_point():
            return float((got != want).sum()), 0.0
        allowed = 1e-9 * float(want.abs().max()) if double else self._rounding(case, name)
        kept = self._valid(case, name)
        if kept is not None:
            queries = "b h q k -> b q h k" if "attn_" in name else "... -> ..."
            got, want = (rearrange(t, queries) for t in (got, want))
            if want.shape[: kept.dim()] == kept.shape:
                got, want = got[kept], want[kept]
        # a NaN on either side is a difference
        return float((got.to(want.dtype) - want).abs().nan_to_num(torch.inf).max()), allowed

    def reference(self, case: str, name: str, dtype: torch.dtype) -> Tensor:
        """What an output of this dtype is compared with: the float64 run where there is one, else the float32 run."""
        return self.tensors[f"{case}/out{'64' if self.is_double(case, name, dtype) else ''}/{name}"]

    def is_double(self, case: str, name: str, dtype: torch.dtype) -> bool:
        return dtype == torch.float64 and f"{case}/out64/{name}" in self.tensors

    def _valid(self, case: str, name: str) -> Tensor | None:
        """Where to compare: `valid` is of the decoder where there are two streams."""
        of_source = name.startswith("encoder_") and f"{case}/in/decoder_input_ids" in self.tensors
        valid = self.tensors.get(f"{case}/in/attention_mask" if of_source else f"{case}/valid")
        return None if valid is None else valid.bool()

    def _rounding(self, case: str, name: str) -> float:
        """The pack's tolerance; tables have none and are right to the last digits of float32."""
        given = self.meta["tolerance"].get(name, {}).get("suggested_atol_fp32")
        return float(given or 1e-5 * float(self.tensors[f"{case}/out/{name}"].abs().max()))


def bare(attention: Attention, inner: int) -> Attention:
    """`attention` with projections that pick q, k and v out of [q k v], `inner` wide each, and pass on the mix."""
    with torch.no_grad():
        for number, name in enumerate(("query", "key", "value")):
            weight = getattr(attention, name).weight
            weight.zero_()
            weight[:inner, number * inner : (number + 1) * inner] = torch.eye(inner)
        out = attention.get_submodule("out").weight
        out.zero_()  # type: ignore[operator]
        out[:inner, :inner] = torch.eye(inner)  # type: ignore[index, operator]
    return attention.eval()
