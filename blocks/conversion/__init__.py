"""Conversions of published checkpoints: tables between their names, layouts and settings and ours."""

from blocks.conversion.albert import Albert
from blocks.conversion.apertus import Apertus
from blocks.conversion.arcee import Arcee
from blocks.conversion.bart import Bart
from blocks.conversion.base import Conversion
from blocks.conversion.bert import Bert
from blocks.conversion.bigbird import BigBird
from blocks.conversion.blenderbot import Blenderbot
from blocks.conversion.blenderbot_small import BlenderbotSmall
from blocks.conversion.block import Block
from blocks.conversion.bloom import Bloom
from blocks.conversion.codegen import CodeGen
from blocks.conversion.cohere import Cohere
from blocks.conversion.cohere2 import Cohere2
from blocks.conversion.deit import DeiT
from blocks.conversion.detr import Detr
from blocks.conversion.distilbert import DistilBert
from blocks.conversion.electra import Electra
from blocks.conversion.ernie4_5 import Ernie45
from blocks.conversion.exaone4 import Exaone4
from blocks.conversion.falcon import Falcon
from blocks.conversion.gemma import Gemma
from blocks.conversion.gemma2 import Gemma2
from blocks.conversion.gemma3_text import Gemma3
from blocks.conversion.glm import GLM
from blocks.conversion.glm4 import GLM4
from blocks.conversion.gpt2 import GPT2
from blocks.conversion.gpt_bigcode import GPTBigCode
from blocks.conversion.gpt_neo import GPTNeo
from blocks.conversion.gpt_neox import GPTNeoX
from blocks.conversion.gptj import GPTJ
from blocks.conversion.granite import Granite
from blocks.conversion.helium import Helium
from blocks.conversion.hunyuan_v1_dense import HunyuanDense
from blocks.conversion.linear_transformer import LinearTransformer
from blocks.conversion.llama import Llama
from blocks.conversion.longformer import Longformer
from blocks.conversion.m2m_100 import M2M100
from blocks.conversion.marian import Marian
from blocks.conversion.mbart import MBart
from blocks.conversion.ministral3 import Ministral3
from blocks.conversion.mistral import Mistral
from blocks.conversion.modernbert import ModernBert
from blocks.conversion.mpnet import MPNet
from blocks.conversion.mpt import MPT
from blocks.conversion.nanochat import NanoChat
from blocks.conversion.nemotron import Nemotron
from blocks.conversion.olmo import Olmo
from blocks.conversion.olmo2 import Olmo2
from blocks.conversion.olmo3 import Olmo3
from blocks.conversion.openai_gpt import OpenAIGPT
from blocks.conversion.opt import OPT
from blocks.conversion.pegasus import Pegasus
from blocks.conversion.performer import PerformerLM
from blocks.conversion.phi import Phi
from blocks.conversion.phi3 import Phi3
from blocks.conversion.plan import Plan
from blocks.conversion.qwen2 import Qwen2
from blocks.conversion.qwen3 import Qwen3
from blocks.conversion.roberta import Roberta
from blocks.conversion.rule import Ignored, Own, Rule, Tied, weights
from blocks.conversion.seed_oss import SeedOss
from blocks.conversion.smollm3 import SmolLM3
from blocks.conversion.stablelm import StableLM
from blocks.conversion.starcoder2 import Starcoder2
from blocks.conversion.t5 import T5
from blocks.conversion.t5gemma import T5Gemma
from blocks.conversion.torch_transformer import TorchTransformer
from blocks.conversion.transfo_xl import TransfoXL
from blocks.conversion.transformer_original import TransformerOriginal
from blocks.conversion.umt5 import UMT5
from blocks.conversion.vaultgemma import VaultGemma
from blocks.conversion.vit import ViT
from blocks.conversion.whisper import Whisper
from blocks.conversion.xglm import XGLM
from registry.checkpoint_errors import CheckpointError

__all__ = [
    "GLM",
    "GLM4",
    "GPT2",
    "GPTJ",
    "M2M100",
    "MPT",
    "OPT",
    "T5",
    "UMT5",
    "XGLM",
    "Albert",
    "Apertus",
    "Arcee",
    "Bart",
    "Bert",
    "BigBird",
    "Blenderbot",
    "BlenderbotSmall",
    "Block",
    "Bloom",
    "CheckpointError",
    "CodeGen",
    "Cohere",
    "Cohere2",
    "Conversion",
    "DeiT",
    "Detr",
    "DistilBert",
    "Electra",
    "Ernie45",
    "Exaone4",
    "Falcon",
    "GPTBigCode",
    "GPTNeo",
    "GPTNeoX",
    "Gemma",
    "Gemma2",
    "Gemma3",
    "Granite",
    "Helium",
    "HunyuanDense",
    "Ignored",
    "LinearTransformer",
    "Llama",
    "Longformer",
    "MBart",
    "MPNet",
    "Marian",
    "Ministral3",
    "Mistral",
    "ModernBert",
    "NanoChat",
    "Nemotron",
    "Olmo",
    "Olmo2",
    "Olmo3",
    "OpenAIGPT",
    "Own",
    "Pegasus",
    "PerformerLM",
    "Phi",
    "Phi3",
    "Plan",
    "Qwen2",
    "Qwen3",
    "Roberta",
    "Rule",
    "SeedOss",
    "SmolLM3",
    "StableLM",
    "Starcoder2",
    "T5Gemma",
    "Tied",
    "TorchTransformer",
    "TransfoXL",
    "TransformerOriginal",
    "VaultGemma",
    "ViT",
    "Whisper",
    "weights",
]
