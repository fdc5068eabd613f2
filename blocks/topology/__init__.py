"""Topologies: whole models."""

from blocks.topology.base import DecodeState, Output, Topology
from blocks.topology.decoder import Decoder
from blocks.topology.encoder import Encoder
from blocks.topology.encoder_decoder import EncoderDecoder

__all__ = ["DecodeState", "Decoder", "Encoder", "EncoderDecoder", "Output", "Topology"]
