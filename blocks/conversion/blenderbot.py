"""Checkpoints of BlenderBot."""

from __future__ import annotations

from blocks.conversion.seq2seq import Seq2Seq
from registry import part


@part(
    "conversion",
    "blenderbot",
    paper="Roller et al. 2020, arXiv 2004.13637; transformers' BlenderbotForConditionalGeneration",
)
class Blenderbot(Seq2Seq):
    """BlenderBot: norms before the sublayers, learned positions.

    Not BlenderBot small, whose decoder norms its tokens before their positions are added.
    """

    model_type = "blenderbot"
    architectures = ("BlenderbotForConditionalGeneration",)
    harmless = (*Seq2Seq.harmless, "add_bias_logits", "add_final_layer_norm", "layernorm_variant", "normalize_*")
    placement = "pre"
    positions = {"kind": "learned"}
