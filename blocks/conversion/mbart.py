"""Checkpoints of mBART."""

from __future__ import annotations

from blocks.conversion.seq2seq import Seq2Seq
from registry import part


@part("conversion", "mbart", paper="Liu et al. 2020, arXiv 2001.08210; transformers' MBartForConditionalGeneration")
class MBart(Seq2Seq):
    """mBART and mBART-50: BART with norms before the sublayers and at the end of each stack."""

    model_type = "mbart"
    architectures = ("MBartForConditionalGeneration",)
    harmless = (*Seq2Seq.harmless, "add_bias_logits", "add_final_layer_norm", "normalize_*")
    placement = "pre"
    embedding_norm = True
    positions = {"kind": "learned", "offset": 2}
