"""Checkpoints of BlenderBot small."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from blocks.conversion.seq2seq import Seq2Seq
from registry import part


@part(
    "conversion",
    "blenderbot_small",
    paper="Roller et al. 2020, arXiv 2004.13637; transformers' BlenderbotSmallForConditionalGeneration",
)
class BlenderbotSmall(Seq2Seq):
    """BlenderBot 90M: BART whose decoder norms its tokens before their positions join them."""

    model_type = "blenderbot-small"
    architectures = ("BlenderbotSmallForConditionalGeneration",)
    settings = {
        **Seq2Seq.settings,
        "max_position_embeddings": 512,
        "encoder_layers": 8,
        "encoder_ffn_dim": 2048,
        "decoder_layers": 8,
        "decoder_ffn_dim": 2048,
        "d_model": 512,
    }
    harmless = (
        *Seq2Seq.harmless,
        "add_bias_logits",
        "add_final_layer_norm",
        "do_blenderbot_90_layernorm",
        "extra_layer_norm",
        "extra_pos_embeddings",
        "force_bos_token_to_be_generated",
        "layernorm_variant",
        "normalize_*",
        "unk_token_id",
    )
    placement = "post"
    embedding_norm = True
    layer_norm = None
    positions = {"kind": "learned"}

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        block = super().spec(config)
        target = {**block["embedding"], "norm_of": "tokens"}
        return {**block, "embedding": target, "encoder": {"embedding": block["embedding"]}}
