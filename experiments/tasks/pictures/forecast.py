"""A series, what a model says will follow, and what did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

READ, TRUE, TOLD = "#5b6472", "#1baf7a", "#eb6834"
MOST = 8
"""Panels that a person still looks at."""


def forecast_picture(told: Mapping[str, Sequence[float]], read: Tensor, truth: Tensor | None) -> Figure:
    """A panel for each of the first MOST channels, step 0 being the first to be told.

    told: by channel, its forecast; read: [context c] and truth: [horizon c], channels in the same order, in the same
    units; NaN where nothing was measured.
    """
    names = list(told)[:MOST]
    figure = Figure(figsize=(8, 1.2 + 1.5 * len(names)), layout="constrained")
    panels = figure.subplots(len(names), 1, sharex=True, squeeze=False)[:, 0]
    context, horizon = len(read), len(told[names[0]])
    for i, (name, panel) in enumerate(zip(names, panels, strict=True)):
        before = read[:, i].detach().cpu().double().numpy()
        # each line begins where what was read ends, so that they hang together
        after = np.arange(-1, horizon)
        panel.plot(np.arange(-context, 0), before, color=READ, linewidth=1, label="read")
        if truth is not None:
            came = truth[:, i].detach().cpu().double().numpy()
            panel.plot(after, [before[-1], *came], color=TRUE, linewidth=1.2, label="came")
        panel.plot(after, [before[-1], *told[name]], color=TOLD, linewidth=1.2, label="told")
        panel.axvline(-0.5, color=READ, linewidth=0.5, linestyle=":")
        panel.set_title(name, fontsize=9, loc="left")
    panels[0].legend(fontsize=8, loc="upper left", frameon=False)
    panels[-1].set_xlabel("steps")
    if len(told) > MOST:
        figure.supxlabel(f"and {len(told) - MOST} more channels", fontsize=8)
    return figure
