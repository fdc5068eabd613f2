"""Numbers that follow from the depths of the stacks."""

from typing import Literal, TypeAlias

Stream: TypeAlias = Literal["encoder", "decoder"]


def coefficients(stream: Stream, encoder_layers: int, decoder_layers: int) -> tuple[float, float]:
    """(alpha, beta) of one stream: weight of the residual, and gain of the initialisation; a depth of 0: no such stack.

    Wang et al. 2022, arXiv 2203.00555, figure 2.
    """
    n, m = encoder_layers, decoder_layers
    if not (n and m):
        depth = n or m
        return (2 * depth) ** 0.25, (8 * depth) ** -0.25
    if stream == "encoder":
        return 0.81 * (n**4 * m) ** (1 / 16), 0.87 * (n**4 * m) ** (-1 / 16)
    return (3 * m) ** 0.25, (12 * m) ** -0.25
