"""Backbones."""

from blocks.backbone.base import Backbone
from blocks.backbone.resnet import ResNet

__all__ = ["Backbone", "ResNet"]
