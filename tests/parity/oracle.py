"""Reference outputs of published implementations, read from the folders beside this file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
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
        """Compare where it counts: to 1e-9 of the scale with a float64 reference, else as float32 allows."""
        double = self.tensors.get(f"{case}/out64/{name}") if got.dtype == torch.float64 else None
        want = self.tensors[f"{case}/out/{name}"] if double is None else double
        atol = 1e-9 * float(want.abs().max()) if double is not None else self._rounding(case, name)
        assert got.shape == want.shape
        valid = self.tensors.get(f"{case}/valid")
        if valid is not None and want.shape[: valid.dim()] == valid.shape:
            got, want = got[valid.bool()], want[valid.bool()]
        torch.testing.assert_close(got.to(want.dtype), want, rtol=0, atol=atol)

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
