"""What models cost against sequence length, measured: time, memory, decoding."""

from experiments.profile.driver import profile
from experiments.profile.subject import Subject, subjects

__all__ = ["Subject", "profile", "subjects"]
