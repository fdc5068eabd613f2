"""Images: the shipped ones, reading files, scenes made of small images, augmentation."""

from experiments.data.vision.arrays import Images
from experiments.data.vision.corpora import Corpus, load

__all__ = ["Corpus", "Images", "load"]
