"""A spectrogram with what a model wrote down, and where it listened."""

from __future__ import annotations

from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor

from blocks.tap import Tap
from blocks.topology import Topology
from experiments.data.loader import Batch
from experiments.data.tokenizers import Tokenizer

SECONDS = 0.01
"""From one frame to the next."""
MOST = 60
"""Tokens whose names can still be read under each other."""


def transcript_picture(model: Topology, tokenizer: Tokenizer, batch: Batch, row: int, text: str) -> Figure:
    """Above the log-mel spectrogram under the transcript; below, for each token, the weight of each moment.

    The weights are those of the cross-attention, the mean over its layers and heads. A model whose cross-attention has
    none shows the spectrogram only.
    """
    frames = int(batch["source_valid"][row].sum())
    sound = batch["source"][row, :, :frames]
    ids: list[int] = tokenizer.encode(text.encode()).tolist()[:MOST]
    weights = listened(model, tokenizer.special("<bos>"), ids, sound)
    figure = Figure(figsize=(8, 2.6 if weights is None else 3.2 + 0.22 * len(ids)), layout="constrained")
    ratios = [1.0] if weights is None else [1.0, 0.3 + 0.1 * len(ids)]
    panels = figure.subplots(len(ratios), 1, sharex=True, squeeze=False, height_ratios=ratios)[:, 0]
    reach = (0.0, frames * SECONDS)
    bands = (-0.5, len(sound) - 0.5)
    panels[0].imshow(sound.cpu().numpy(), origin="lower", aspect="auto", cmap="magma", extent=(*reach, *bands))
    panels[0].set_ylabel("mel band")
    # a name with a dollar sign is no formula
    panels[0].set_title(text or "(nothing)", fontsize=10, parse_math=False)
    if weights is not None:
        panels[1].imshow(weights.numpy(), aspect="auto", cmap="Greys", extent=(*reach, len(weights) - 0.5, -0.5))
        names = [*(tokenizer.decode([i]) for i in ids), "end"]
        panels[1].set_yticks(range(len(names)), names, fontsize=8, parse_math=False)
    panels[-1].set_xlabel("seconds")
    return figure


def listened(model: Topology, bos: int, ids: list[int], sound: Tensor) -> Tensor | None:
    """Weights [n k] of every token and of the end on the encoder's vectors, None where there are none.

    sound: [bins frames].
    """
    tap = Tap(hidden=False)
    whole: Any = model
    with torch.no_grad():
        whole.run(torch.tensor([[bos, *ids]], device=sound.device), source=sound[None], tap=tap)
    if not tap.cross:
        return None
    return torch.stack(list(tap.cross.values())).mean(dim=(0, 1, 2)).cpu()
