"""The recipes on tasks that are made by rule, and those of long rows."""

from __future__ import annotations

from benchmarks.recipes.row import Claim, Row, above, at_least

LONG: tuple[Row, ...] = (
    Row(
        title="Documents of 4,096 bytes",
        system="Longformer: Beltagy et al. 2020, arXiv 2004.05150; text of the Long Range Arena: Tay et al. 2020",
        spec="recipes/long/documents",
        metric="test/accuracy",
        bar=above("largest class", within=-0.2),
        baselines=("generated.documents",),
        larger="window 512, dim 256, 6 layers, all 1,980 documents in data.train",
        group="long range",
    ),
    Row(
        title="Quality beside cost",
        system="full attention, Longformer, BigBird, Performer, linear attention on documents of 2,048 bytes",
        spec="recipes/long/cost",
        metric="test/accuracy",
        baselines=("generated.documents",),
        larger="data.length=4096 and more steps: full attention is then the slowest by far",
        group="long range",
    ),
    Row(
        title="Nested lists of 500 to 2,000 tokens",
        system="ListOps: Nangia and Bowman 2018; Long Range Arena: Tay et al. 2020, arXiv 2011.04006",
        spec="recipes/long/listops",
        metric="test/accuracy",
        bar=above("most frequent class"),
        baselines=("generated.listops",),
        larger="dim 512, 6 layers and 5,000 steps are the arena's; its Transformers reach 36 to 37 %",
        group="long range",
    ),
    Row(
        title="Images of 3,073 tokens",
        system="linear attention: Katharopoulos et al. 2020; image task of the Long Range Arena: Tay et al. 2020",
        spec="recipes/long/pixels",
        metric="test/accuracy",
        bar=above("largest class", within=-0.1),
        baselines=("vision.clipart",),
        larger="dim 128, 4 layers, many more steps and images",
        group="long range",
    ),
)

DIAGNOSTICS: tuple[Row, ...] = tuple(
    Row(
        title=title,
        system=system,
        spec=f"recipes/diagnostics/{name}",
        metric=metric,
        variant="full",
        bar=bar,
        claims=tuple(Claim("full", worse, source) for worse, source in claims),
        also=also,
        baselines=baselines,
        group="diagnostics",
    )
    for name, title, system, metric, bar, claims, also, baselines in (
        (
            "copy",
            "Copying 32 symbols",
            "Jelassi et al. 2024, arXiv 2402.01032",
            "test/accuracy",
            at_least(0.99),
            (("linear", "Jelassi et al. 2024, section 3: a state of fixed size cannot hold the row"),),
            ("test/exact",),
            (),
        ),
        (
            "selective_copy",
            "Copying selected symbols",
            "Gu and Dao 2023, arXiv 2312.00752, section 4.1.1",
            "test/accuracy",
            None,
            (("linear", "Yang et al. 2024, arXiv 2406.06484, table 1: 99.6 against 88.6 for gated linear attention"),),
            ("test/exact",),
            (),
        ),
        (
            "reversal",
            "Reversing 32 symbols",
            "Deletang et al. 2022, arXiv 2207.02098",
            "test/accuracy",
            at_least(0.99),
            (("window", "Beltagy et al. 2020, section 3.1: layers of a window see layers x window tokens"),),
            ("test/exact",),
            (),
        ),
        (
            "sorting",
            "Sorting 32 symbols",
            "Tay et al. 2020, arXiv 2002.11296, section 5.1",
            "test/accuracy",
            at_least(0.95),
            (("window", "Tay et al. 2020, table 1: local attention sorts worst"),),
            ("test/exact",),
            (),
        ),
        (
            "recall",
            "Associative recall of eight pairs",
            "MQAR: Arora et al. 2023, arXiv 2312.04927",
            "test/accuracy",
            at_least(0.9),
            (("linear", "Arora et al. 2023, section 4: kinds with a state of fixed size need one that grows with the pairs"),),
            ("test/exact",),
            (),
        ),
    )
)
