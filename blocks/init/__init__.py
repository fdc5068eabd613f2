"""Initialisations."""

from blocks.init.base import Init, Site, draw_seed, initialise
from blocks.init.bert import BertInit
from blocks.init.deepnorm import DeepNormInit
from blocks.init.detr import DetrInit
from blocks.init.gpt2 import GPT2Init
from blocks.init.normal import NormalInit
from blocks.init.t5 import T5Init
from blocks.init.torch_default import TorchInit
from blocks.init.vit import ViTInit
from blocks.init.xavier import XavierInit

__all__ = [
    "BertInit",
    "DeepNormInit",
    "DetrInit",
    "GPT2Init",
    "Init",
    "NormalInit",
    "Site",
    "T5Init",
    "TorchInit",
    "ViTInit",
    "XavierInit",
    "draw_seed",
    "initialise",
]
