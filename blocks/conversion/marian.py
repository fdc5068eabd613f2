"""Checkpoints of Marian."""

from __future__ import annotations

from blocks.conversion.seq2seq import Seq2Seq
from registry import part


@part("conversion", "marian", paper="Junczys-Dowmunt et al. 2018, arXiv 1804.00344; transformers' MarianMTModel")
class Marian(Seq2Seq):
    """Marian, and with it the OPUS translation models: the Transformer of 2017 with all sines first and learned biases.

    Not models whose source has a vocabulary of its own (share_encoder_decoder_embeddings: false).
    """

    model_type = "marian"
    architectures = ("MarianMTModel",)
    fixed = {**Seq2Seq.fixed, "share_encoder_decoder_embeddings": True}
    # the sinusoids reach as far as they are asked to
    harmless = (
        *Seq2Seq.harmless,
        "add_bias_logits",
        "add_final_layer_norm",
        "decoder_vocab_size",
        "max_position_embeddings",
        "normalize_*",
    )
    placement = "post"
    layer_norm = None
    positions = {"kind": "sinusoidal", "layout": "halves"}
