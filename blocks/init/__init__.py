"""Initialisations."""

from blocks.init.base import Init, Site, draw_seed, initialise
from blocks.init.bert import BertInit
from blocks.init.deepnorm import DeepNormInit
from blocks.init.gpt2 import GPT2Init
from blocks.init.t5 import T5Init
from blocks.init.torch_default import TorchInit
from blocks.init.xavier import XavierInit

__all__ = [
    "BertInit",
    "DeepNormInit",
    "GPT2Init",
    "Init",
    "Site",
    "T5Init",
    "TorchInit",
    "XavierInit",
    "draw_seed",
    "initialise",
]
