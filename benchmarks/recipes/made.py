"""The recipes on tasks that are made by rule, and those of long rows."""

from __future__ import annotations

from benchmarks.recipes.row import SEEN, Bar, Claim, Row, above, at_least, at_most

REACH = "Beltagy et al. 2020, section 3.1: so many layers of a window see layers x window tokens"
ARENA = "Long Range Arena: Tay et al. 2020, arXiv 2011.04006"
LINEAR = "Yang et al. 2024, arXiv 2406.06484, on MAD: softmax attention above gated linear attention"


def diagnostic(
    name: str,
    title: str,
    system: str,
    claims: dict[str, str],
    *,
    bar: Bar | None = None,
    metric: str = "test/accuracy",
    also: tuple[str, ...] = ("test/exact",),
    baselines: tuple[str, ...] = (),
) -> Row:
    """A row whose variant `full` is said to do better than others. claims: other variant -> where it is said."""
    return Row(
        title=title,
        system=system,
        spec=f"recipes/diagnostics/{name}",
        metric=metric,
        bar=bar,
        variant="full",
        baselines=baselines,
        claims=tuple(Claim("full", worse, source) for worse, source in claims.items()),
        also=also,
        larger="see the head of the spec",
        remark=SEEN,
        group="diagnostics",
    )


LONG: tuple[Row, ...] = (
    Row(
        title="Documents of 4,096 bytes",
        system=f"Longformer: Beltagy et al. 2020, arXiv 2004.05150; {ARENA}, section 2.2.2",
        spec="recipes/long/documents",
        metric="test/accuracy",
        bar=at_least(0.6),
        baselines=("generated.documents",),
        larger="window 512, dim 256, 6 layers, and more documents in data.train",
        group="long range",
    ),
    Row(
        title="Quality beside cost",
        system="full attention, Longformer, BigBird, Performer and linear attention on 2,048 bytes",
        spec="recipes/long/cost",
        metric="test/accuracy",
        baselines=("generated.documents",),
        larger="data.length=4096 and more steps; `swapformer profile` measures the cost alone at any length",
        group="long range",
    ),
    Row(
        title="Nested lists of 500 to 2,000 tokens",
        system=f"ListOps: Nangia and Bowman 2018, arXiv 1804.06028; {ARENA}, section 2.2.1",
        spec="recipes/long/listops",
        metric="test/accuracy",
        bar=above("most frequent class"),
        baselines=("generated.listops",),
        larger="dim 512, 6 layers and 5,000 steps are the arena's",
        group="long range",
    ),
    Row(
        title="Images as 3,073 tokens",
        system=f"linear attention: Katharopoulos et al. 2020, arXiv 2006.16236; {ARENA}, section 2.2.4",
        spec="recipes/long/pixels",
        metric="test/accuracy",
        bar=above("largest class"),
        baselines=("vision.clipart",),
        larger="dim 128, 4 layers, ten times the steps and images",
        group="long range",
    ),
    Row(
        title="Passages of 2,048 bytes a side, matched",
        system=f"linear attention; {ARENA}, section 2.2.3",
        spec="recipes/long/byte-retrieval",
        metric="test/pair_accuracy",
        bar=above(0.5),
        larger="data.length=4096, dim 128, 4 layers, ten times the steps",
        group="long range",
    ),
    Row(
        title="Paths in 2,304 pixels",
        system=f"Pathfinder: Linsley et al. 2018, arXiv 1805.08315; {ARENA}, section 2.2.5",
        spec="recipes/long/pathfinder",
        metric="test/accuracy",
        bar=above(0.6),
        baselines=("generated.pathfinder",),
        larger="dim 128, 4 layers, and about five thousand times the images, as in the arena",
        remark=(
            "Out of reach in ten minutes. Longformer with a window of two rows, with a global token and a nonlinear "
            "pooler, and 48 x 48 cells of a larger image from a small ResNet learned nothing either, in 200 to 300 "
            "steps. The arena's models, which reach 67 to 77 %, see 62,400 batches of 512 images; here it is 400 of 16."
        ),
        group="long range",
    ),
)

DIAGNOSTICS: tuple[Row, ...] = (
    diagnostic(
        "copy",
        "Copying 32 symbols",
        "Jelassi et al. 2024, arXiv 2402.01032",
        {"linear": "Jelassi et al. 2024: a state of fixed size cannot hold the row"},
        bar=at_least(0.99),
    ),
    diagnostic(
        "selective_copy",
        "Copying selected symbols",
        "Gu and Dao 2023, arXiv 2312.00752, section 4.1.1",
        {"linear": LINEAR},
    ),
    diagnostic(
        "reversal",
        "Reversing 32 symbols",
        "Deletang et al. 2022, arXiv 2207.02098",
        {"window": REACH},
        bar=at_least(0.99),
    ),
    diagnostic(
        "sorting", "Sorting 32 symbols", "Tay et al. 2020, arXiv 2002.11296", {"window": REACH}, bar=at_least(0.95)
    ),
    diagnostic(
        "recall",
        "Associative recall of eight pairs",
        "MQAR: Arora et al. 2023 (Zoology), arXiv 2312.04927",
        {"linear": "Arora et al. 2023: a state of fixed size has to grow with the number of pairs", "window": REACH},
        bar=at_least(0.9),
    ),
    diagnostic(
        "noisy_recall",
        "Recall among noise",
        "MAD: Poli et al. 2024, arXiv 2403.17844",
        {"window": REACH},
        bar=at_least(0.9),
    ),
    diagnostic(
        "fuzzy_recall",
        "Recall of keys of several tokens",
        "MAD: Poli et al. 2024, arXiv 2403.17844",
        {"linear": LINEAR},
    ),
    diagnostic(
        "compression",
        "A row in one vector",
        "MAD: Poli et al. 2024, arXiv 2403.17844",
        {"linear": LINEAR, "window": REACH},
    ),
    diagnostic(
        "induction",
        "What stood behind the trigger",
        "Olsson et al. 2022, arXiv 2209.11895; Gu and Dao 2023, arXiv 2312.00752",
        {"window": REACH},
        bar=at_least(0.9),
    ),
    diagnostic(
        "parity",
        "Parity",
        "Hahn 2020, arXiv 1906.06755; Deletang et al. 2022, arXiv 2207.02098",
        {
            "window": "Hahn 2020: every bit counts",
            "longer": "Deletang et al. 2022: no better than chance beyond the lengths of training",
        },
        bar=at_least(0.9),
    ),
    diagnostic("dyck", "Nested brackets", "Yao et al. 2021, arXiv 2105.11115", {"window": REACH}),
    diagnostic(
        "addition",
        "Addition of three digits",
        "Lee et al. 2023, arXiv 2307.03381",
        {"plain": "Lee et al. 2023: the sum is learned sooner when said backwards", "window": REACH},
        bar=at_least(0.95),
    ),
    diagnostic(
        "regression",
        "Linear functions in the context",
        "Garg et al. 2022, arXiv 2208.01066",
        {"linear": "Arora et al. 2023: a state of fixed size recalls the context less well"},
        bar=at_most("always zero"),
        metric="test/loss",
        also=("test/last", "test/after_1", "test/after_4", "test/after_8"),
        baselines=("generated.regression",),
    ),
)
