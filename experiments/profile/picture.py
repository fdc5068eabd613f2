"""Cost against length as one picture for papers and web pages."""

from __future__ import annotations

from pathlib import Path

from experiments.results.profile import QUANTITIES, Profile
from experiments.results.words import clean, shorten

SHOWN = ("train_ms", "peak_memory_mb", "decode_ms", "cache_mb")
MARKERS = "osD^vPX*<>"


def draw(profile: Profile, path: Path) -> None:
    """Write a panel for each quantity that was measured, both axes logarithmic; the ending of `path` is the format."""
    from matplotlib.figure import Figure

    drawn = [name for name in SHOWN if any(profile.curve(label, name) for label in profile.labels)]
    figure = Figure(figsize=(4.2 * max(1, len(drawn)), 3.4), layout="constrained")
    for panel, quantity in zip(figure.subplots(1, max(1, len(drawn)), squeeze=False)[0], drawn, strict=False):
        for number, label in enumerate(profile.labels):
            curve = profile.curve(label, quantity)
            if curve:
                marker = MARKERS[number % len(MARKERS)]
                panel.plot(*zip(*curve, strict=True), marker=marker, markersize=4, label=shorten(clean(label), 30))
        panel.set_xscale("log", base=2)
        panel.set_yscale("log")
        panel.set_xlabel("tokens in a sequence")
        panel.set_title(QUANTITIES[quantity], fontsize=10)
        panel.set_xticks(profile.lengths, [str(length) for length in profile.lengths], rotation=45)
        for which in (panel.yaxis.set_major_formatter, panel.yaxis.set_minor_formatter):
            which(lambda value, _: f"{value:g}")
        panel.tick_params(axis="y", which="both", labelsize=7)
        panel.grid(alpha=0.3)
    if drawn:
        figure.axes[0].legend(fontsize=7)
    figure.savefig(path)
