"""Position schemes."""

from blocks.position.alibi import Alibi
from blocks.position.base import Position
from blocks.position.learned import Learned
from blocks.position.none import NoPosition
from blocks.position.rotary import Rotary
from blocks.position.shaw import Shaw
from blocks.position.sinusoidal import Sinusoidal
from blocks.position.t5 import T5

__all__ = ["T5", "Alibi", "Learned", "NoPosition", "Position", "Rotary", "Shaw", "Sinusoidal"]
