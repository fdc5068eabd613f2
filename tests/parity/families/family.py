"""A checkpoint family held against transformers: import, outputs, decoding, export, number of parameters.

A test file is, for a table whose `tiny` settings, and the same with some of them changed, are to be tried:

    test_llama = family_test("llama", {}, {"attention_bias": True, "tie_word_embeddings": True})
"""

from __future__ import annotations

import copy
import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from blocks.generation import Decoding, generate
from blocks.topology import Output, Topology
from registry import load_pretrained, save_pretrained
from registry.catalog import Catalog
from registry.pretrained import find_conversion
from registry.state import owned

NEW = 6
"""Tokens that are decoded."""


@dataclass(frozen=True)
class Case:
    """One input of a comparison: arguments of transformers' model and of ours. valid: where outputs count, or all."""

    name: str
    theirs: Mapping[str, Tensor]
    ours: Mapping[str, Tensor]
    valid: Tensor | None = None


@dataclass(frozen=True)
class Family:
    """A conversion and a tiny config of its family.

    architecture: the class of transformers, the table's first unless given. prepare: changes the reference before it is
    saved. cases: makes the inputs, instead of tokens without padding, padded on the right and on the left.
    every: changes it, and what is loaded of the export. more: how many parameters ours has that the reference counts
    otherwise. idle: beginnings of names of its parameters that nothing reads, and that an import leaves out.
    """

    kind: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    architecture: str | None = None
    prepare: Callable[[Any], None] | None = None
    every: Callable[[Any], None] | None = None
    more: Callable[[Any], int] | None = None
    make_cases: Callable[[Any], list[Case]] | None = None
    idle: tuple[str, ...] = ()

    @cached_property
    def conversion(self) -> Any:
        return find_conversion(Catalog.load(), self.kind)

    @cached_property
    def reference(self) -> Any:
        """A model of transformers in float64, with no parameter at a neutral value."""
        with theirs():
            import transformers

            # transformers fills in nested settings where they are
            settings = copy.deepcopy({**self.conversion.tiny, **self.changes})
            config = transformers.AutoConfig.for_model(self.conversion.model_type, **settings)
            config._attn_implementation = "eager"
            torch.manual_seed(0)
            model = self.model_class(config).double().eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.3 * torch.randn_like(parameter))
        for change in (self.prepare, self.every):
            if change is not None:
                change(model)
        return model

    @property
    def model_class(self) -> Any:
        import transformers

        return getattr(transformers, self.architecture or self.conversion.architectures[0])

    @cached_property
    def cases(self) -> list[Case]:
        if self.make_cases is not None:
            return self.make_cases(self.reference)
        return list(token_cases(self.reference))

    def check(self, folder: Path) -> None:
        """Everything, in the order in which it can go wrong."""
        with theirs():
            self.reference.save_pretrained(folder / "theirs")
        model = load_pretrained(folder / "theirs", as_=self.kind)
        assert isinstance(model, Topology)
        self._compare_outputs(model)
        self._compare_counts(model)
        if "next token" in model.provides and "tokens" in model.head.provides:
            self._compare_decoding(model)
        self._compare_export(model, folder / "ours")
        # what transformers says is read without being told the family, and nothing is lost in our own format
        save_pretrained(load_pretrained(folder / "theirs"), folder / "own")
        self._same_weights(load_pretrained(folder / "own"), model)

    def said(self, out: Any) -> dict[str, Tensor]:
        """What is compared of the output of a model of transformers, by our names."""
        return {"logits": out.logits}

    @torch.no_grad()
    def _compare_outputs(self, model: Topology) -> None:
        for case in self.cases:
            with theirs():
                want = self.said(self.reference(**case.theirs))
            out: Output = model.run(**case.ours)  # type: ignore[operator]
            got = {"logits": out.logits, **out.beside}
            assert want.keys() <= got.keys(), f"{case.name}: there are {', '.join(got)}, not {', '.join(want)}"
            for name in want:
                _compare(f"{case.name}, {name}", got[name], want[name], case.valid)

    def _compare_counts(self, model: Topology) -> None:
        want = sum(p.numel() for name, p in self.reference.named_parameters() if not name.startswith(self.idle))
        want += 0 if self.more is None else self.more(self.reference)
        got = sum(p.numel() for p in owned(model).values() if isinstance(p, torch.nn.Parameter))
        assert got == want, f"{got} parameters, transformers has {want}"

    def _compare_decoding(self, model: Topology) -> None:
        for case in self.cases:
            valid = case.ours.get("valid", case.ours.get("source_valid"))
            if valid is not None and "source" not in case.ours and not bool(valid[:, -1].all()):
                continue
            given = dict(case.ours)
            got = generate(model, given.pop("tokens"), Decoding(max_new_tokens=NEW), **given)
            want = self._generated(case)
            assert torch.equal(got, want), f"{case.name}: decoded {got.tolist()}, not {want.tolist()}"

    def _generated(self, case: Case) -> Tensor:
        with theirs():
            from transformers import GenerationConfig

            how = GenerationConfig(max_new_tokens=NEW, do_sample=False, use_cache=True, pad_token_id=0, num_beams=1)
            given = {name: value for name, value in case.theirs.items() if name != "position_ids"}
            tokens: Tensor = self.reference.generate(**given, generation_config=how, eos_token_id=None)
            # some return the prompt as well
            return tokens[:, -NEW:]

    def _compare_export(self, model: Topology, folder: Path) -> None:
        save_pretrained(model, folder, as_=self.kind)
        with theirs():
            again = self.model_class.from_pretrained(folder, dtype=torch.float64, attn_implementation="eager").eval()
        if self.every is not None:
            self.every(again)
        mine, before = again.state_dict(), self.reference.state_dict()
        assert mine.keys() == before.keys()
        for name, tensor in before.items():
            same = torch.equal(mine[name], tensor) or name.startswith(self.idle)
            assert same, f"exported {name} is not what was imported"
        for case in self.cases:
            with torch.no_grad(), theirs():
                want, got = (self.said(m(**case.theirs)) for m in (self.reference, again))
            same = all(torch.equal(got[name], want[name]) for name in want)
            assert same, f"{case.name}: the exported model computes something else"

    def _same_weights(self, one: torch.nn.Module, other: torch.nn.Module) -> None:
        mine, theirs = owned(one), owned(other)
        assert mine.keys() == theirs.keys()
        assert all(torch.equal(mine[name], theirs[name]) for name in mine)


def _compare(about: str, got: Tensor, want: Tensor, valid: Tensor | None) -> None:
    """valid: where something said of each token counts."""
    assert got.shape == want.shape, f"{about}: {list(got.shape)}, not {list(want.shape)}"
    error = (got - want).abs()
    error = error[valid] if valid is not None and error.shape[: valid.dim()] == valid.shape else error
    scale = float(want.abs().max())
    worst = float(error.nan_to_num(torch.inf).max())
    assert worst <= 1e-9 * scale, f"{about}: off by {worst:.2g} at a scale of {scale:.2g}"


def family_test(kind: str, *changes: Mapping[str, Any], **how: Any) -> Callable[..., None]:
    """A test for pytest: `Family.check` for the table's tiny settings, changed in each of these ways."""
    families = [Family(kind, change, **how) for change in changes or ({},)]

    @pytest.mark.parity
    @pytest.mark.parametrize("family", families, ids=[",".join(family.changes) or "tiny" for family in families])
    def test_family(family: Family, tmp_path: Path) -> None:
        family.check(tmp_path)

    return test_family


def token_cases(reference: Any) -> Iterator[Case]:
    """Tokens for a language model or an encoder: without padding, padded on the right, and on the left."""
    vocab = reference.config.get_text_config().vocab_size
    tokens = torch.randint(1, vocab, (3, 9), generator=torch.Generator().manual_seed(1))
    if reference.config.is_encoder_decoder:
        yield from _translation_cases(reference, tokens)
        return
    yield Case("plain", {"input_ids": tokens}, {"tokens": tokens})
    lengths = torch.tensor([9, 6, 3]).unsqueeze(1)
    right = torch.arange(9) < lengths
    padded = {"input_ids": tokens, "attention_mask": right.long()}
    yield Case("padded on the right", padded, {"tokens": tokens, "valid": right}, right)
    left = right.flip(1)
    padded = {"input_ids": tokens, "attention_mask": left.long()}
    if "position_ids" in inspect.signature(reference.forward).parameters:
        padded["position_ids"] = (left.long().cumsum(1) - 1).clamp(min=0)
    yield Case("padded on the left", padded, {"tokens": tokens, "valid": left}, left)


def _translation_cases(reference: Any, tokens: Tensor) -> Iterator[Case]:
    """Source and target for an encoder-decoder, the source without padding and padded on either side."""
    target = torch.cat([torch.full_like(tokens[:, :1], reference.config.decoder_start_token_id), tokens[:, 2:5]], 1)
    right = torch.arange(9) < torch.tensor([9, 6, 3]).unsqueeze(1)
    for name, valid in (("plain", None), ("padded on the right", right), ("padded on the left", right.flip(1))):
        theirs, ours = {"input_ids": tokens, "decoder_input_ids": target}, {"tokens": target, "source": tokens}
        if valid is not None:
            theirs["attention_mask"], ours["source_valid"] = valid.long(), valid
        yield Case(name, theirs, ours)


class Exact(TorchFunctionMode):
    """float64 wherever float32 is asked for: transformers rounds norms, angles and softmax to float32 on the way."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.Tensor.float:
            func = torch.Tensor.double
        widened = {name: _widened(value) for name, value in (kwargs or {}).items()}
        return func(*map(_widened, args), **widened)


def _widened(value: Any) -> Any:
    return torch.float64 if value is torch.float32 else value


@contextmanager
def theirs() -> Iterator[None]:
    """Around code of transformers: computed in float64 throughout; its warnings are its own business."""
    with warnings.catch_warnings(), Exact():
        warnings.simplefilter("ignore")
        yield
