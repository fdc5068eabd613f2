"""The tables of `results.sqlite`, and how those of an earlier version become today's."""

from __future__ import annotations

VERSION = 1
"""Kept in the file as `user_version`."""

APPLICATION = 0x5357_4150
"""Kept in the file as `application_id`, so that another program's database is not taken for one of ours."""

TABLES = (
    # what was compared; one row. plan: all of plan.json
    """
    CREATE TABLE sweep (
        name TEXT NOT NULL,
        spec TEXT NOT NULL,
        command TEXT NOT NULL,
        created TEXT NOT NULL,
        metric TEXT NOT NULL,
        goal TEXT NOT NULL,
        plan TEXT NOT NULL
    ) STRICT
    """,
    # place: in the order of the plan. settings: JSON, path -> value. held: JSON, how it was brought to the budget
    """
    CREATE TABLE variant (
        label TEXT PRIMARY KEY,
        place INTEGER NOT NULL,
        baseline INTEGER NOT NULL,
        settings TEXT NOT NULL,
        held TEXT,
        parameters INTEGER
    ) STRICT
    """,
    # which value a variant has on each axis; place: of the axis
    """
    CREATE TABLE axis (
        variant TEXT NOT NULL REFERENCES variant (label),
        path TEXT NOT NULL,
        place INTEGER NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (variant, path)
    ) STRICT, WITHOUT ROWID
    """,
    # stage: compare or tune. tuned, environment: JSON. times are UTC; memory is in MB.
    # stamp: of the files that the row was read from, to see whether they have changed
    """
    CREATE TABLE trial (
        id TEXT PRIMARY KEY,
        place INTEGER NOT NULL,
        variant TEXT NOT NULL REFERENCES variant (label),
        seed INTEGER NOT NULL,
        stage TEXT NOT NULL,
        tuned TEXT NOT NULL,
        status TEXT NOT NULL,
        reason TEXT NOT NULL,
        attempts INTEGER,
        step INTEGER NOT NULL,
        max_steps INTEGER,
        started TEXT,
        ended TEXT,
        train_seconds REAL,
        wall_seconds REAL,
        parameters INTEGER,
        flops_per_token REAL,
        tokens INTEGER,
        tokens_per_second REAL,
        peak_memory_mb REAL,
        best_step INTEGER,
        batches TEXT,
        environment TEXT NOT NULL,
        stamp TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX trial_of_variant ON trial (variant)",
    # the curves. seconds: of training. value is NULL where it was not finite
    """
    CREATE TABLE metric (
        trial TEXT NOT NULL REFERENCES trial (id),
        name TEXT NOT NULL,
        step INTEGER NOT NULL,
        seconds REAL,
        value REAL,
        PRIMARY KEY (trial, name, step)
    ) STRICT, WITHOUT ROWID
    """,
    # metrics at the end of training, and at the best step
    """
    CREATE TABLE final (
        trial TEXT NOT NULL REFERENCES trial (id),
        name TEXT NOT NULL,
        value REAL NOT NULL,
        PRIMARY KEY (trial, name)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE best (
        trial TEXT NOT NULL REFERENCES trial (id),
        name TEXT NOT NULL,
        value REAL NOT NULL,
        PRIMARY KEY (trial, name)
    ) STRICT, WITHOUT ROWID
    """,
    # what happened, in the order of seq; clocks may be set back. trial: NULL where it concerns the sweep
    """
    CREATE TABLE event (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        trial TEXT,
        kind TEXT NOT NULL,
        detail TEXT NOT NULL,
        at TEXT NOT NULL
    ) STRICT
    """,
)

MIGRATIONS: dict[int, tuple[str, ...]] = {}
"""Version -> the statements that make the next version's tables of it. Rows are read from the folders afterwards."""

FROM_FOLDERS = ("metric", "final", "best", "trial", "axis", "variant", "sweep")
"""The tables that can be filled again from the trial folders and plan.json, those that refer to others first."""

COLUMNS = (
    *("seed", "stage", "tuned", "status", "reason", "attempts", "step", "max_steps", "started", "ended"),
    *("train_seconds", "wall_seconds", "parameters", "flops_per_token", "tokens", "tokens_per_second"),
    *("peak_memory_mb", "best_step"),
)
"""Those of a trial in the view `results`, after `trial`, `variant` and the axes and before the metrics."""

MOST_COLUMNS = 500
"""Axes and metrics that the view shows; SQLite ends at 2000 columns."""


def quoted(name: str) -> str:
    """A name as SQL writes one that may hold any character."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def literal(text: str) -> str:
    """A string as SQL writes it."""
    escaped = text.replace("'", "''")
    return f"'{escaped}'"


def results_view(axes: list[str], metrics: list[str]) -> str:
    """The view `results`: a row for each trial, with a column for each axis and each metric.

    A name that another column has already is prefixed by what it is.
    """
    taken = {"trial", "variant", *COLUMNS}
    columns = ["t.id AS trial", "t.variant AS variant"]
    columns += [
        f"(SELECT value FROM axis WHERE variant = t.variant AND path = {literal(axis)}) "
        f"AS {quoted(_free(axis, 'axis', taken))}"
        for axis in axes[:MOST_COLUMNS]
    ]
    columns += [f"t.{name} AS {name}" for name in COLUMNS]
    columns += [
        f"(SELECT value FROM final WHERE trial = t.id AND name = {literal(metric)}) "
        f"AS {quoted(_free(metric, 'metric', taken))}"
        for metric in metrics[:MOST_COLUMNS]
    ]
    return f"CREATE VIEW results AS SELECT {', '.join(columns)} FROM trial t ORDER BY t.place"


def _free(name: str, kind: str, taken: set[str]) -> str:
    """The name, or one made of it that no other column has; SQL does not tell A from a."""
    while name.lower() in taken:
        name = f"{kind} {name}"
    taken.add(name.lower())
    return name
