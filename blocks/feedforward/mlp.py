"""Two linear maps with an activation between them."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from blocks.activations import ACTIVATIONS, XIELU, Activation
from blocks.feedforward.base import FeedForward
from blocks.linear import Linear
from blocks.norm import Norm
from registry import Build, build, part
from registry.types import PositiveInt, Probability


@part("feedforward", "mlp", paper="Vaswani et al. 2017, arXiv 1706.03762, section 3.3")
class Mlp(FeedForward):
    """W2 act(W1 x + b1) + b2.

    hidden: inner width, 4 times the model's width unless given. activation: gelu is the exact (erf) form,
    gelu_tanh the approximation of GPT-2, relu2 the squared relu of Primer, xielu has two numbers that are learned
    (Apertus). dropout: on the inner vector. sub_norm: norm of what enters W2 (Sub-LN, arXiv 2210.06423).
    """

    def __init__(
        self,
        dim: int,
        *,
        hidden: PositiveInt | None = None,
        activation: Activation | Literal["xielu"] = "gelu",
        bias: bool = True,
        dropout: Probability = 0.0,
        sub_norm: Build[Norm] | None = None,
    ) -> None:
        super().__init__()
        hidden = hidden or 4 * dim
        self.activation = XIELU() if activation == "xielu" else ACTIVATIONS[activation]
        self.inner = Linear(dim, hidden, role="ff_in", bias=bias)
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()
        self.sub_norm = nn.Identity() if sub_norm is None else build(sub_norm, dim=hidden)
        self.outer = Linear(hidden, dim, role="ff_out", bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.outer(self.sub_norm(self.dropout(self.activation(self.inner(x)))))
