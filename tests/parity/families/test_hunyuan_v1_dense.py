"""Checkpoints of Hunyuan against transformers."""

from __future__ import annotations

from .family import family_test

NTK = {"rope_type": "dynamic", "alpha": 50.0, "rope_theta": 100.0, "factor": 1.0}
test_hunyuan = family_test("hunyuan_v1_dense", {}, {"rope_parameters": NTK, "tie_word_embeddings": True})
