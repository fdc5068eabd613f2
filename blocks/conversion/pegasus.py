"""Checkpoints of Pegasus."""

from __future__ import annotations

from blocks.conversion.seq2seq import Seq2Seq
from registry import part


@part(
    "conversion", "pegasus", paper="Zhang et al. 2019, arXiv 1912.08777; transformers' PegasusForConditionalGeneration"
)
class Pegasus(Seq2Seq):
    """Pegasus: norms before the sublayers, sinusoids with all sines first."""

    model_type = "pegasus"
    architectures = ("PegasusForConditionalGeneration",)
    # the sinusoids reach as far as they are asked to
    harmless = (
        *Seq2Seq.harmless,
        "add_bias_logits",
        "add_final_layer_norm",
        "extra_pos_embeddings",
        "force_bos_*",
        "max_position_embeddings",
        "normalize_*",
    )
    placement = "pre"
    positions = {"kind": "sinusoidal", "layout": "halves"}
