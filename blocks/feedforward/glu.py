"""Gated linear units."""

from __future__ import annotations

from torch import Tensor, nn

from blocks.activations import ACTIVATIONS, Activation
from blocks.feedforward.base import FeedForward
from blocks.linear import Linear
from blocks.norm import Norm
from registry import Build, build, part, preset
from registry.types import PositiveInt, Probability


@part("feedforward", "glu", paper="Shazeer 2020, arXiv 2002.05202, equations 5 and 6")
class Glu(FeedForward):
    """W2 (act(Wg x) * (W1 x)): a hidden vector gated by another.

    hidden: inner width; unless given, 8/3 of the model's width rounded up to a multiple of 8, which has as many
    parameters as an mlp of 4 times the width. dropout: on the gated vector. sub_norm: norm of what enters W2 (Sub-LN,
    arXiv 2210.06423; BitNet).
    """

    def __init__(
        self,
        dim: int,
        *,
        hidden: PositiveInt | None = None,
        activation: Activation = "silu",
        bias: bool = False,
        dropout: Probability = 0.0,
        sub_norm: Build[Norm] | None = None,
    ) -> None:
        super().__init__()
        hidden = hidden or -(-8 * dim // 24) * 8
        self.activation = ACTIVATIONS[activation]
        self.gate = Linear(dim, hidden, role="ff_gate", bias=bias)
        self.inner = Linear(dim, hidden, role="ff_in", bias=bias)
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()
        self.sub_norm = nn.Identity() if sub_norm is None else build(sub_norm, dim=hidden)
        self.outer = Linear(hidden, dim, role="ff_out", bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.outer(self.sub_norm(self.dropout(self.activation(self.gate(x)) * self.inner(x))))


_PAPER = "Shazeer 2020, arXiv 2002.05202, equation 6"
preset(
    "feedforward",
    "swiglu",
    Glu,
    "Gated linear unit with silu: W2 (silu(Wg x) * (W1 x)).",
    paper=_PAPER,
    activation="silu",
)
preset(
    "feedforward",
    "geglu",
    Glu,
    "Gated linear unit with gelu: W2 (gelu(Wg x) * (W1 x)).",
    paper=_PAPER,
    activation="gelu",
)
preset(
    "feedforward",
    "reglu",
    Glu,
    "Gated linear unit with relu: W2 (relu(Wg x) * (W1 x)).",
    paper=_PAPER,
    activation="relu",
)
