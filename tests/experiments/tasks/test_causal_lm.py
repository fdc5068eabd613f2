"""Loss and metrics of language modelling against a count by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from toy import ToyModel

from experiments.data import BytePairs, Text
from experiments.optimizers import AdamW
from experiments.schedules import Constant
from experiments.tasks import CausalLM
from experiments.tasks.base import token_nats
from experiments.tasks.causal_lm import token_metrics, token_sums


def task(data: Text | None = None, **options: Any) -> CausalLM:
    data = data or Text(0, length=8, batch_size=3)
    return CausalLM(ToyModel(data.vocab, dropout=0.0), data, AdamW(), Constant(), **options)


def by_hand(logits: Tensor, targets: Tensor, valid: Tensor, smoothing: float = 0.0) -> list[float]:
    """The loss in nats of each valid token, one after the other."""
    found = []
    for b in range(targets.shape[0]):
        for n in range(targets.shape[1]):
            if valid[b, n]:
                logp = (logits[b, n].exp() / logits[b, n].exp().sum()).log()
                found.append(float(-(1 - smoothing) * logp[targets[b, n]] - smoothing * logp.mean()))
    return found


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("padded", [False, True])
def test_loss(smoothing: float, padded: bool) -> None:
    """The mean over the tokens of the whole batch, not over rows first."""
    module = task(label_smoothing=smoothing)
    batch = next(iter(module.data.train_loader()))
    valid = torch.ones(3, 8, dtype=torch.bool)
    if padded:
        valid[0, 3:], valid[1, 7:] = False, False
        batch["valid"] = valid
    expected = by_hand(module.model(batch["tokens"]).detach(), batch["targets"], valid, smoothing)
    assert len(expected) == (3 + 7 + 8 if padded else 24)
    assert float(module.loss(batch).detach()) == pytest.approx(sum(expected) / len(expected), rel=1e-12)
    assert module.count(batch) == len(expected)


def others_by_hand(logits: Tensor, targets: Tensor, valid: Tensor, smoothing: float) -> list[float]:
    """Kullback-Leibler divergence of a target that keeps 1 - smoothing and gives the other tokens the rest."""
    found = []
    for b, n in valid.nonzero().tolist():
        wanted = torch.full_like(logits[b, n], smoothing / (logits.shape[-1] - 1))
        wanted[targets[b, n]] = 1 - smoothing
        found.append(float((wanted * (wanted.log() - logits[b, n].log_softmax(0))).sum()))
    return found


@pytest.mark.parametrize("padded", [False, True])
def test_smoothing_over_the_others(padded: bool) -> None:
    module = task(label_smoothing=0.2, label_smoothing_over="others")
    batch = next(iter(module.data.train_loader()))
    valid = torch.ones(3, 8, dtype=torch.bool)
    if padded:
        valid[0, 3:] = False
        batch["valid"] = valid
    expected = others_by_hand(module.model(batch["tokens"]).detach(), batch["targets"], valid, 0.2)
    assert float(module.loss(batch).detach()) == pytest.approx(sum(expected) / len(expected), rel=1e-12)


def test_over_the_others_a_perfect_prediction_costs_nothing() -> None:
    targets = torch.tensor([[1, 4]])
    perfect = torch.full((1, 2, 5), 0.3 / 4).scatter(2, targets[..., None], 0.7).log()
    nats, tokens = token_nats(perfect + 3.0, targets, None, 0.3, "others")
    assert float(nats) == pytest.approx(0, abs=1e-12)
    assert int(tokens) == 2
    assert float(token_nats(perfect, targets, None, 0.0, "others")[0]) == pytest.approx(-2 * math.log(0.7))


@pytest.mark.parametrize("over", ["all", "others"])
def test_padding_never_reaches_the_loss(over: str) -> None:
    module = task(label_smoothing=0.1, label_smoothing_over=over)
    batch = next(iter(module.data.train_loader()))
    batch["valid"] = torch.ones(3, 8, dtype=torch.bool)
    batch["valid"][0, 5:] = False
    inner = module.model.forward

    def poisoned(tokens: Tensor, valid: Tensor) -> Tensor:
        return torch.where(valid[..., None], inner(tokens), torch.nan)

    module.model.forward = poisoned
    module.loss(batch).backward()
    assert all(torch.isfinite(p.grad).all() for p in module.model.parameters())


def test_validation_is_weighted_by_tokens() -> None:
    """Batches of different sizes: the metric is that of all tokens together."""
    module = task(label_smoothing=0.3)
    module.eval()
    sums: dict[str, float] = {}
    losses: list[float] = []
    right = []
    with torch.no_grad():
        for batch in module.data.eval_loader():
            for name, value in module.measure(batch).items():
                sums[name] = sums.get(name, 0.0) + float(value)
        for batch in list(module.data.eval_loader())[-3:]:
            logits = module.model(batch["tokens"])
            losses += by_hand(logits, batch["targets"], torch.ones_like(batch["targets"], dtype=torch.bool))
            right += (logits.argmax(-1) == batch["targets"]).flatten().tolist()
            found = token_metrics({k: float(v) for k, v in module.measure(batch).items()})
    assert sums["tokens"] == sums["bytes"] == 48_881
    # the last batch is the short window at the end
    assert found["loss"] == pytest.approx(sum(losses[-len(batch["targets"][0]) :]) / len(batch["targets"][0]))
    metrics = module.summarise(sums)
    assert metrics["perplexity"] == pytest.approx(math.exp(metrics["loss"]))
    assert metrics["bits_per_byte"] == pytest.approx(metrics["loss"] / math.log(2))
    assert len(right) == len(losses)


def test_bits_per_byte_counts_bytes_not_tokens() -> None:
    data = Text(0, tokenizer=lambda specials: BytePairs(specials, vocab=300), length=16, batch_size=2)
    module = task(data)
    batch = next(iter(data.eval_loader()))
    sums = {k: float(v.detach()) for k, v in module.measure(batch).items()}
    text = data.tokenizer.decode(batch["targets"].flatten().tolist())
    assert sums["bytes"] == len(text.encode()) > sums["tokens"] == 32
    nats = sum(by_hand(module.model(batch["tokens"]).detach(), batch["targets"], torch.ones(2, 16, dtype=torch.bool)))
    assert module.summarise(sums)["bits_per_byte"] == pytest.approx(nats / len(text.encode()) / math.log(2))


def test_accuracy_and_overflow() -> None:
    logits = torch.tensor([[[0.0, 5.0], [5.0, 0.0], [0.0, 5.0]]])
    sums = token_sums(logits, torch.tensor([[1, 1, 1]]), torch.tensor([[True, True, False]]), torch.tensor([1, 1]))
    assert token_metrics({k: float(v) for k, v in sums.items()})["accuracy"] == 0.5
    assert token_metrics({"nats": 1e6, "tokens": 1.0, "right": 0.0, "bytes": 1.0})["perplexity"] == math.inf
