"""The Transformer of 2017: every case of the oracle, its losses and its schedule."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from blocks.topology import Output, Topology
from experiments.schedules import Noam
from experiments.tasks.base import token_nats
from registry import assemble

from .system import PUBLISHED, System


class TransformerOriginal(System):
    """Losses with and without label smoothing, as the tasks compute them."""

    def arguments(self, case: str) -> dict[str, Tensor]:
        return super().arguments(case.split()[0])

    def loss(self, case: str, out: Output) -> Tensor:
        return self.losses(case.split()[0], out.logits)["loss_smoothed_uniform_over_all"]

    def losses(self, case: str, logits: Tensor) -> dict[str, Tensor]:
        labels, smoothing = self.oracle.input(case, "labels"), self.oracle.meta["config"]["label_smoothing"]
        sums = {
            "loss_nll": token_nats(logits, labels, labels != -100),
            "loss_smoothed_uniform_over_all": token_nats(logits, labels, labels != -100, smoothing, "all"),
            "loss_smoothed_t2t": token_nats(logits, labels, labels != -100, smoothing, "others"),
        }
        return {name: nats / tokens for name, (nats, tokens) in sums.items()}

    def outputs(self, model: Topology, case: str) -> dict[str, Tensor]:
        found = super().outputs(model, case)
        return found | self.losses(case, found["logits"]) if "logits" in found else found


SYSTEM = TransformerOriginal("transformer_original", spec="tiny/transformer", conversion="transformer_original")
test_outputs, test_gradients, test_config = SYSTEM.tests()


def test_the_schedule() -> None:
    noam = Noam(dim=512, warmup=4000)
    for step, rate in SYSTEM.oracle.meta["noam_schedule_d512_warmup4000"].items():
        assert noam.factor(int(step), float("inf")) == pytest.approx(rate, rel=1e-12), step


def count(vocab: int, dim: int, hidden: int, layers: int = 6, *, biases: bool = True) -> int:
    """Parameters, from the paper's figure 1: tables, attentions, feed-forward blocks and norms one after the other."""
    attention = 4 * dim * dim + (4 * dim if biases else 0)
    feedforward = dim * hidden + hidden + hidden * dim + dim
    norm = 2 * dim
    encoder = attention + norm + feedforward + norm
    decoder = 2 * (attention + norm) + feedforward + norm
    return vocab * dim + layers * (encoder + decoder)


@pytest.mark.parametrize(
    ("name", "said", "counted"),
    [
        ("transformer-base", 63_082_496, count(37000, 512, 2048)),
        ("transformer-big", 214_245_376, count(37000, 1024, 4096)),
        ("transformer-base-t2t", 63_045_632, count(37000, 512, 2048, biases=False)),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32], indirect=True)
def test_the_published_sizes(name: str, said: int, counted: int) -> None:
    path = PUBLISHED / f"{name}.yaml"
    with torch.device("meta"):
        model = assemble(path)
    assert sum(p.numel() for p in model.parameters()) == said == counted
    assert f"{said:,}" in path.read_text(encoding="utf-8")


class Restated:
    """tensor2tensor's transformer_base_v1 written down anew, one sentence at a time; w: parameters by our names."""

    def __init__(self, w: dict[str, Tensor], heads: int, layers: int) -> None:
        self.w, self.heads, self.layers = w, heads, layers

    def logits(self, source: Tensor, target: Tensor) -> Tensor:
        memory = self.stack("encoder", self.enter(source), None)
        return self.stack("decoder", self.enter(target), memory) @ self.w["embedding.table.weight"].T

    def enter(self, ids: Tensor) -> Tensor:
        """Rows times sqrt(d), plus get_timing_signal_1d: sines of i / (d / 2 - 1) powers of 10000, then cosines."""
        rows = self.w["embedding.table.weight"][ids]
        half = rows.shape[1] // 2
        signal = [
            [wave(pos / 10000 ** (i / (half - 1))) for wave in (math.sin, math.cos) for i in range(half)]
            for pos in range(len(ids))
        ]
        return rows * math.sqrt(rows.shape[1]) + torch.tensor(signal)

    def stack(self, side: str, x: Tensor, memory: Tensor | None) -> Tensor:
        for number in range(self.layers):
            at = f"{side}.layers.{number}."
            x = self.norm(at + "placement.out_norms.0", x + self.attend(at + "attention", x, x, side == "decoder"))
            if memory is not None:
                x = self.norm(at + "placement.out_norms.1", x + self.attend(at + "cross", x, memory, False))
            inner = (x @ self.w[at + "feedforward.inner.weight"].T + self.w[at + "feedforward.inner.bias"]).clamp(min=0)
            outer = inner @ self.w[at + "feedforward.outer.weight"].T + self.w[at + "feedforward.outer.bias"]
            x = self.norm(f"{at}placement.out_norms.{1 if memory is None else 2}", x + outer)
        return x

    def attend(self, name: str, x: Tensor, read: Tensor, causal: bool) -> Tensor:
        q, k, v = (
            (t @ self.w[f"{name}.{part}.weight"].T).chunk(self.heads, 1)
            for part, t in (("query", x), ("key", read), ("value", read))
        )
        mixed = []
        for head in range(self.heads):
            scores = q[head] / math.sqrt(q[head].shape[1]) @ k[head].T
            scores = scores + torch.ones_like(scores).triu(1) * -1e9 if causal else scores
            mixed.append(scores.softmax(1) @ v[head])
        return torch.cat(mixed, 1) @ self.w[f"{name}.out.weight"].T

    def norm(self, name: str, x: Tensor) -> Tensor:
        mean = x.mean(1, keepdim=True)
        variance = ((x - mean) ** 2).mean(1, keepdim=True)
        return (x - mean) / (variance + 1e-6).sqrt() * self.w[f"{name}.weight"] + self.w[f"{name}.bias"]


@pytest.mark.parametrize("dtype", [torch.float64], indirect=True)
@torch.no_grad()
def test_the_form_of_tensor2tensor() -> None:
    torch.manual_seed(3)
    model = assemble(PUBLISHED / "tiny" / "transformer-t2t.yaml").eval()
    for parameter in model.parameters():
        parameter.add_(0.1 * torch.randn_like(parameter))
    restated = Restated(dict(model.named_parameters()), heads=4, layers=2)
    source, target = torch.randint(0, 101, (2, 7)), torch.randint(0, 101, (2, 5))
    want = torch.stack([restated.logits(*pair) for pair in zip(source, target, strict=True)])
    torch.testing.assert_close(model(target, source=source), want, rtol=0, atol=1e-9 * float(want.abs().max()))
