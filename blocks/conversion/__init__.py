"""Conversions of published checkpoints: tables between their names, layouts and settings and ours."""

from blocks.conversion.base import Conversion
from blocks.conversion.bert import Bert
from blocks.conversion.bigbird import BigBird
from blocks.conversion.block import Block
from blocks.conversion.deit import DeiT
from blocks.conversion.detr import Detr
from blocks.conversion.distilbert import DistilBert
from blocks.conversion.gpt2 import GPT2
from blocks.conversion.linear_transformer import LinearTransformer
from blocks.conversion.llama import Llama
from blocks.conversion.longformer import Longformer
from blocks.conversion.performer import PerformerLM
from blocks.conversion.plan import Plan
from blocks.conversion.roberta import Roberta
from blocks.conversion.rule import Ignored, Own, Rule, Tied, weights
from blocks.conversion.torch_transformer import TorchTransformer
from blocks.conversion.transfo_xl import TransfoXL
from blocks.conversion.transformer_original import TransformerOriginal
from blocks.conversion.vit import ViT
from registry.checkpoint_errors import CheckpointError

__all__ = [
    "GPT2",
    "Bert",
    "BigBird",
    "Block",
    "CheckpointError",
    "Conversion",
    "DeiT",
    "Detr",
    "DistilBert",
    "Ignored",
    "LinearTransformer",
    "Llama",
    "Longformer",
    "Own",
    "PerformerLM",
    "Plan",
    "Roberta",
    "Rule",
    "Tied",
    "TorchTransformer",
    "TransfoXL",
    "TransformerOriginal",
    "ViT",
    "weights",
]
