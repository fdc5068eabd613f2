"""Checkpoints of BART."""

from __future__ import annotations

from blocks.conversion.seq2seq import Seq2Seq
from registry import part


@part("conversion", "bart", paper="Lewis et al. 2019, arXiv 1910.13461; transformers' BartForConditionalGeneration")
class Bart(Seq2Seq):
    """BART: post-norm, learned positions that start at row 2, a norm over the embedded tokens of each side."""

    model_type = "bart"
    architectures = ("BartForConditionalGeneration",)
    # switches of earlier versions, which the files still hold
    harmless = (
        *Seq2Seq.harmless,
        "add_bias_logits",
        "add_final_layer_norm",
        "normalize_*",
        "force_bos_*",
        "extra_pos_*",
    )
    placement = "post"
    embedding_norm = True
    layer_norm = None
    positions = {"kind": "learned", "offset": 2}
