"""Checkpoints of GLM-4-0414 against transformers."""

from __future__ import annotations

from .family import family_test

test_glm4 = family_test("glm4", {}, {"attention_bias": False})
