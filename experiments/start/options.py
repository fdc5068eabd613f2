"""The `init_from:` block of a spec."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from registry.types import PositiveInt, Probability

ATTENTION_MAPS = ("attention.query", "attention.value")
"""What the paper of LoRA adapts: W_q and W_v (Hu et al. 2021, arXiv 2106.09685, section 5.1)."""


@dataclass(frozen=True)
class Lora:
    """Low-rank adapters beside linear maps: W x + alpha / rank B A x, of which A and B alone are trained.

    Hu et al. 2021 (LoRA), arXiv 2106.09685, section 4.1; the adapters are those of `peft` (extra `lora`). The head is
    trained too. Whoever uses the trained model gets W + alpha / rank B A, without adapters.

    targets: patterns of linear maps, as in `freeze`. dropout: on what enters the adapters.
    """

    rank: PositiveInt = 8
    alpha: PositiveInt = 16
    dropout: Probability = 0.0
    targets: list[str] = field(default_factory=lambda: list(ATTENTION_MAPS))


@dataclass(frozen=True)
class InitFrom:
    """Weights to start from, by role: encoder to encoder, decoder to decoder, embeddings, and a head of the same kind.

    path: the folder of a run, or of a sweep for its best trial; runs/NAME without the hash where only one run is named
        so; a checkpoint file; a folder of exported or published weights (config.json and model.safetensors).
    tokenizer: same takes over the source's where the spec says none, and refuses another one; own keeps the spec's, and
        leaves behind what belongs to the other vocabulary.
    only: patterns of what is loaded, as in `freeze`; all that fits unless given. An empty list takes over the tokenizer
        alone, so that training from scratch can be compared on the same tokens.
    positions: how learned positions become more or fewer: copy (Longformer), interpolate, or bicubic (a grid: ViT).
    freeze: patterns of names, such as embedding, encoder.layers.0-3 or attention.key: these weights stay as they are,
        without gradient and without a state in the optimizer; dropout inside them goes on.
    lora: train adapters and the head instead of the weights themselves.
    strict: refuse unless everything but the head is loaded.
    content: a hash of the weights, filled in when a training is planned.
    """

    path: str
    tokenizer: Literal["same", "own"] = "same"
    only: list[str] | None = None
    positions: Literal["copy", "interpolate", "bicubic"] | None = None
    freeze: list[str] | None = None
    lora: Lora | None = None
    strict: bool = False
    content: str | None = None


def start_of(full: Mapping[str, Any]) -> InitFrom | None:
    """What a full spec says under `init_from`, a bare path included; None where it starts from nothing."""
    block = full.get("init_from")
    if block is None:
        return None
    if isinstance(block, str):
        return InitFrom(block)
    lora = block.get("lora")
    return InitFrom(**{**block, "lora": None if lora is None else Lora(**lora)})


def block_of(start: InitFrom) -> dict[str, Any]:
    """The same as plain data."""
    return asdict(start)
