"""Checkpoints of CodeGen against transformers."""

from __future__ import annotations

from .family import family_test

test_codegen = family_test("codegen", {}, {"n_inner": None, "rotary_dim": 2})
