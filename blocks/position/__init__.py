"""Position schemes."""

from blocks.position.alibi import Alibi
from blocks.position.base import Position
from blocks.position.every_layer import EveryLayer
from blocks.position.learned import Learned
from blocks.position.learned_2d import Learned2d
from blocks.position.none import NoPosition
from blocks.position.rotary import Rotary
from blocks.position.several import Several
from blocks.position.shaw import Shaw
from blocks.position.sinusoidal import Sinusoidal
from blocks.position.sinusoidal_2d import Sinusoidal2d
from blocks.position.t5 import T5
from blocks.position.temperature import Temperature
from blocks.position.transformer_xl import TransformerXL

__all__ = [
    "T5",
    "Alibi",
    "EveryLayer",
    "Learned",
    "Learned2d",
    "NoPosition",
    "Position",
    "Rotary",
    "Several",
    "Shaw",
    "Sinusoidal",
    "Sinusoidal2d",
    "Temperature",
    "TransformerXL",
]
