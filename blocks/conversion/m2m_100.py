"""Checkpoints of M2M-100."""

from __future__ import annotations

from blocks.conversion.seq2seq import Seq2Seq
from registry import part


@part("conversion", "m2m_100", paper="Fan et al. 2020, arXiv 2010.11125; transformers' M2M100ForConditionalGeneration")
class M2M100(Seq2Seq):
    """M2M-100 and NLLB (dense): norms before the sublayers, sinusoids of tensor2tensor that start at 2.

    The reference drops whole layers while training (layerdrop); that is not implemented and has no effect otherwise.
    """

    model_type = "m2m_100"
    architectures = ("M2M100ForConditionalGeneration",)
    settings = {**Seq2Seq.settings, "vocab_size": 128112, "activation_function": "relu", "scale_embedding": True}
    fixed = {key: value for key, value in Seq2Seq.fixed.items() if "layerdrop" not in key}
    # the sinusoids reach as far as they are asked to
    harmless = (*Seq2Seq.harmless, "encoder_layerdrop", "decoder_layerdrop", "max_position_embeddings")
    placement = "pre"
    positions = {"kind": "sinusoidal", "layout": "tensor2tensor", "offset": 2}
    bias = False
