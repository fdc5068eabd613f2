"""A published system held against its reference: outputs, loss, gradients and decoding of every case of an oracle."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

import experiments
from blocks.conversion import Conversion, Plan
from blocks.generation.steps import start
from blocks.tap import Tap
from blocks.topology import Output, Topology
from registry.assembly import resolve_block
from registry.canonical import canonical
from registry.catalog import Catalog
from registry.filling import empty_model, filled
from registry.load import load
from registry.pretrained import find_conversion
from registry.state import owned

from .oracle import Oracle

PUBLISHED = Path(experiments.__file__).parent / "specs" / "published"


@dataclass(frozen=True)
class Result:
    """How far one output of one case is from the reference.

    error, allowed: largest absolute difference. scale: largest absolute value. rounded: the reference has fewer digits.
    """

    case: str
    output: str
    error: float
    allowed: float
    scale: float
    rounded: bool

    @property
    def ok(self) -> bool:
        return self.error <= self.allowed


@dataclass(frozen=True)
class Summary:
    """A system in one precision: how many of its cases pass, and the largest difference at the outputs' scale.

    That is over the numbers whose reference is of the same precision.
    """

    passed: int
    cases: int
    error: float


class System:
    """A published system: its oracle, the spec that describes it, the conversion that reads its weights.

    oracle: the folder beside this file. spec: a file below specs/published, without ".yaml". conversion: its kind, or a
    table of the test's own. apart: outputs of the oracle that are not compared, each with the reason.

    A test file is:

        SYSTEM = System("gpt2", spec="tiny/gpt2", conversion="gpt2")
        test_outputs, test_gradients, test_config = SYSTEM.tests()

    Systems that differ override `arguments` (inputs of a case -> arguments of `model.run`), `loss`, `run_loss`, or
    `outputs`.
    """

    def __init__(
        self, oracle: str, *, spec: str, conversion: str | type[Conversion], apart: Mapping[str, str] | None = None
    ) -> None:
        self.name, self.spec, self.apart = oracle, spec, apart or {}
        self._conversion = conversion

    @cached_property
    def conversion(self) -> Conversion:
        kind = self._conversion
        return find_conversion(self.catalog, kind) if isinstance(kind, str) else kind()

    @cached_property
    def oracle(self) -> Oracle:
        return Oracle.load(self.name)

    @property
    def cases(self) -> list[str]:
        return list(self.oracle.meta["cases"])

    @cached_property
    def catalog(self) -> Catalog:
        return Catalog.load()

    @cached_property
    def block(self) -> dict[str, Any]:
        """The full model block of the spec."""
        block: dict[str, Any] = load(PUBLISHED / f"{self.spec}.yaml").full["model"]
        return block

    def load(self, dtype: torch.dtype, **changes: Any) -> Topology:
        """The model with the oracle's weights, in evaluation mode. changes: options of the model block."""
        model = empty_model(resolve_block({**self.block, **changes}, self.catalog), self.catalog, dtype)
        model = filled(model, self.plan(model).read(self.weights()), dtype)
        assert isinstance(model, Topology)
        return model

    def weights(self) -> dict[str, Tensor]:
        """The oracle's weights, under the names of published files."""
        return self.oracle.weights

    def plan(self, model: Any) -> Plan:
        shapes = {name: tensor.shape for name, tensor in owned(model).items()}
        return self.conversion.plan(canonical(model.spec, self.catalog), shapes)

    # what a case says, and what becomes of it

    def arguments(self, case: str) -> dict[str, Tensor]:
        """Arguments of `model.run` for a case."""
        given = {name: self.oracle.input(case, name) for name in self.oracle.meta["cases"][case]["inputs"]}
        inputs = next(given[name] for name in ("input_ids", "pixel_values", "input_features") if name in given)
        valid = next((given[name].bool() for name in ("attention_mask", "pixel_mask") if name in given), None)
        target = given.get("decoder_input_ids", given.get("decoder_start"))
        if target is None and self.block["topology"] == "encoder_decoder":
            target = self.shifted(given["labels"])
        found = {"tokens": inputs, "valid": valid, "types": given.get("token_type_ids")}
        if target is not None:
            found = {"tokens": target, "source": inputs, "source_valid": valid}
            found["valid"] = given["decoder_attention_mask"].bool() if "decoder_attention_mask" in given else None
        if "global_attention_mask" in given:
            found["globals"] = given["global_attention_mask"].bool()
        return {name: value for name, value in found.items() if value is not None}

    def shifted(self, labels: Tensor) -> Tensor:
        """What a decoder reads: the labels behind the start token, padding in place of those that do not count."""
        config = self.oracle.meta["config"]
        first = torch.full_like(labels[:, :1], config["decoder_start_token_id"])
        shifted = torch.cat([first, labels[:, :-1]], 1)
        return shifted.masked_fill(shifted == -100, config["pad_token_id"])

    def outputs(self, model: Topology, case: str) -> dict[str, Tensor]:
        """Everything that the oracle says of a case."""
        wanted = self.oracle.meta["cases"][case]["outputs"]
        if "tokens" in wanted:
            return self.decoded(model, case)
        tap = Tap()
        out: Output = model.run(**self.arguments(case), tap=tap)  # type: ignore[operator]
        found = {"logits": out.logits, "last_hidden_state": out.hidden, **out.beside}
        if out.source is not None:
            found["encoder_last_hidden_state"] = out.source
        found |= self.looked_at(tap, out)
        if "loss" in wanted:
            found["loss"] = self.loss(case, out)
        return found

    def looked_at(self, tap: Tap, out: Output) -> dict[str, Tensor]:
        """Hidden states and attention weights by the oracle's names; the last hidden state is after the last norm."""
        only = len(tap.hidden) == 1
        found: dict[str, Tensor] = {}
        for stream, states in tap.hidden.items():
            front = "" if only else f"{stream}_"
            last = out.source if stream == "encoder" and out.source is not None else out.hidden
            found |= {f"{front}hidden_{i}": state for i, state in enumerate([*states[:-1], last])}
        for (stream, layer), weights in tap.attention.items():
            found[f"attn_{layer}" if only else f"{stream}_attn_{layer}"] = weights
        return found | {f"cross_attn_{layer}": weights for layer, weights in tap.cross.items()}

    def loss(self, case: str, out: Output) -> Tensor:
        """Mean cross-entropy of the labels that count; a decoder alone predicts the next token."""
        labels, logits = self.oracle.input(case, "labels"), out.logits
        if self.block["topology"] == "decoder":
            labels, logits = labels[:, 1:], logits[:, :-1]
        return functional.cross_entropy(logits.flatten(0, -2), labels.flatten())

    def run_loss(self, model: Topology, case: str) -> Tensor:
        """The loss whose gradients are compared."""
        return self.loss(case, model.run(**self.arguments(case)))  # type: ignore[operator]

    @torch.inference_mode()
    def decoded(self, model: Topology, case: str) -> dict[str, Tensor]:
        """Greedy decoding with the cache: tokens, and the logits of each step."""
        given = self.arguments(case)
        tokens = given.pop("tokens")
        step, found, logits = start(model, given), [], []
        for _ in range(self.oracle.tensors[f"{case}/out/tokens"].shape[1]):
            logits.append(step(tokens))
            tokens = logits[-1].argmax(-1, keepdim=True)
            found.append(tokens)
        return {"tokens": torch.cat(found, 1), "step_logits": torch.stack(logits, 1)}

    # comparison

    def results(self, case: str, model: Topology) -> Iterator[Result]:
        """Every output of a case, against the oracle's. Raises AssertionError for one that is not computed."""
        with _precision(next(model.parameters()).dtype):
            got = self.outputs(model, case)
        for name in self.oracle.meta["cases"][case]["outputs"]:
            if name not in self.apart:
                assert name in got, f"{case}: '{name}' is not computed; there are {', '.join(got)}"
                error, allowed = self.oracle.difference(case, name, got[name])
                dtype = got[name].dtype
                scale = float(self.oracle.reference(case, name, dtype).abs().max())
                rounded = dtype == torch.float64 and not self.oracle.is_double(case, name, dtype)
                yield Result(case, name, error, allowed, scale, rounded)

    def summary(self, dtype: torch.dtype) -> Summary:
        """All cases in one precision, for the table of systems."""
        results = [list(self.results(case, self.load(dtype))) for case in self.cases]
        errors = [r.error / r.scale for found in results for r in found if r.scale and not r.rounded]
        return Summary(sum(all(r.ok for r in found) for found in results), len(results), max(errors, default=0.0))

    def gradients(self) -> dict[str, tuple[float, float]]:
        """For each tensor of the oracle the norm of its gradient, ours and the reference's, in float64."""
        with _precision(torch.float64):
            model, said = self.load(torch.float64), self.oracle.meta["gradients"]
            self.run_loss(model, said["case"]).backward()
        state = {name: torch.zeros_like(p) if p.grad is None else p.grad for name, p in owned(model).items()}
        norms = {name: float(gradient.norm()) for name, gradient in self.plan(model).write(state)}
        return {name: (norms.get(name, float("nan")), want) for name, want in said["l2"].items()}

    def read_config(self) -> dict[str, Any]:
        """The full model block that the conversion makes of the oracle's config."""
        return resolve_block(self.conversion.spec(self.oracle.meta["config"]), self.catalog)

    def tests(self) -> tuple[Callable[..., None], Callable[[], None], Callable[[], None]]:
        """Tests for pytest: outputs in both precisions, norms of gradients, the spec against the oracle's config."""

        @pytest.mark.parametrize("case", self.cases)
        def test_outputs(case: str, dtype: torch.dtype) -> None:
            wrong = [result for result in self.results(case, self.load(dtype)) if not result.ok]
            assert not wrong, wrong

        @pytest.mark.parametrize("dtype", [torch.float64], indirect=True)
        def test_gradients() -> None:
            for name, (got, want) in self.gradients().items():
                assert got == pytest.approx(want, rel=1e-8, abs=1e-10), name

        @pytest.mark.parametrize("dtype", [torch.float64], indirect=True)
        def test_config() -> None:
            assert self.read_config() == self.block

        return test_outputs, test_gradients, test_config


@contextmanager
def _precision(dtype: torch.dtype) -> Iterator[None]:
    """The default dtype, which the oracle's inputs have."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
