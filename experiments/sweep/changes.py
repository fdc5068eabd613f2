"""What a sweep that is continued would do differently from what it set out to do."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.provenance import environment
from experiments.results.lenient import mapping, objects, read_json, text, whole
from experiments.results.plan import Stage
from experiments.results.words import clean, shorten, times
from experiments.sweep.plan import SweepPlan
from experiments.sweep.trials import Trial, Trials
from experiments.trial_spec import content
from registry.errors import Problem, SpecError
from registry.load import Loaded

_MOST = 8
_PROGRAM = ("swapformer", "torch", "git_commit")
_NOT_OF_A_TRIAL = ("sweep.workers", "sweep.limits")


@dataclass(frozen=True)
class Changes:
    """From the plan on the disk to the one of today.

    settings: path -> what it was and is. changed, dropped: trials of the old plan, as people name them, that would be
    trained with other settings, or are not part of the sweep any more. added: how many trials are new.
    program: what has changed in the program since.
    """

    settings: Mapping[str, str]
    changed: Sequence[str]
    dropped: Sequence[str]
    added: int
    program: Sequence[str]

    @property
    def notes(self) -> list[str]:
        """What is worth saying whatever follows of it."""
        found = [f"the program has changed since this sweep began: {'; '.join(self.program)}"] if self.program else []
        if self.added and not self.changed:
            found.append(f"{times(self.added, 'trial')} more than before{self._by_what}")
        if self.changed:
            found.append(f"{_few(self.changed)}: trained anew{self._by_what}")
        if self.dropped:
            found.append(f"{_few(self.dropped)}: not part of this sweep any more; kept in the folder, and not ranked")
        return found

    @property
    def _by_what(self) -> str:
        return f" ({_few([f'{path}: {words}' for path, words in self.settings.items()])})" if self.settings else ""

    def refuse(self, folder: Path, loaded: Loaded) -> None:
        """Raises SpecError where results would be trained anew or dropped: what changed, and what can be done."""
        if not self.changed and not self.dropped:
            return
        problems = [
            Problem(path, f"was changed since this sweep began: {words}", loaded.composed.place(tuple(path.split("."))))
            for path, words in list(self.settings.items())[:_MOST]
        ]
        lost = [f"{_few(self.changed)} would be trained anew"] if self.changed else []
        lost += [f"{_few(self.dropped)} would not be part of it any more"] if self.dropped else []
        remedy = "go on with --accept-changes, which keeps what has not changed, or choose another `name` or --out"
        raise SpecError(
            [*problems, Problem("", f"{folder} holds a sweep of another spec: {', '.join(lost)}; {remedy}")]
        )


def changes(folder: Path, loaded: Loaded, plan: SweepPlan, trials: Trials, wanted: Sequence[Trial]) -> Changes | None:
    """Compare with the plan on the disk; None where there is none that can be read. A trial's id says what it is."""
    earlier = read_json(folder / "plan.json", [])
    if earlier is None or "trials" not in earlier:
        return None
    now = {trial.id for trial in wanted}
    before = objects(earlier.get("trials"))
    changed: list[str] = []
    dropped: list[str] = []
    for entry in before:
        if entry.get("id") not in now:
            fate = _fate(entry, earlier, plan, trials, loaded)
            if fate is not None:
                name = f"{clean(text(entry.get('variant')))}, seed {whole(entry.get('seed'))}"
                (changed if fate == "changed" else dropped).append(name)
    ids = {entry.get("id") for entry in before}
    return Changes(
        settings=_settings(mapping(earlier.get("spec")), loaded.full),
        changed=list(dict.fromkeys(changed)),
        dropped=list(dict.fromkeys(dropped)),
        added=len(now - ids),
        program=_program(mapping(earlier.get("environment"))),
    )


def _fate(
    entry: Mapping[str, Any], earlier: Mapping[str, Any], plan: SweepPlan, trials: Trials, loaded: Loaded
) -> str | None:
    """What becomes of a trial of the old plan that is not wanted now; None if it may be wanted again later."""
    variant = next((v for v in plan.variants if v.label == entry.get("variant")), None)
    seed = whole(entry.get("seed"))
    if variant is None or seed is None:
        return "dropped"
    stage: Stage = "tune" if entry.get("stage") == "tune" else "compare"
    try:
        made = trials.make(variant, seed, tuned=mapping(entry.get("tuned")), stage=stage)
    except SpecError:
        return "changed"
    if made.id != entry.get("id"):
        return "changed"
    then = mapping(mapping(earlier.get("spec")).get("sweep"))
    # what decides how many trials are wanted
    keys = ("tune", "tuning") if stage == "tune" else ("tune", "tuning", "seeds")
    return "dropped" if any(then.get(key) != loaded.full["sweep"].get(key) for key in keys) else None


def _settings(then: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, str]:
    """Path -> "old -> new", for what has to do with results; nothing where the old plan does not tell."""
    if not then:
        return {}
    old, new = ({**content(spec), "sweep": spec.get("sweep")} for spec in (then, now))
    return dict(_differences(old, new))


def _differences(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if path in _NOT_OF_A_TRIAL or old == new:
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys([*old, *new]):
            yield from _differences(old.get(key), new.get(key), f"{path}.{key}".lstrip("."))
    elif isinstance(old, list) and isinstance(new, list):
        gone, more = [v for v in old if v not in new], [v for v in new if v not in old]
        words = [f"without {_short(gone)}"] * bool(gone) + [f"with {_short(more)}"] * bool(more)
        yield path, ", ".join(words) or "in another order"
    else:
        yield path, f"{_short(old)} -> {_short(new)}"


def _short(value: Any) -> str:
    return shorten(clean(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)), 60)


def _program(then: Mapping[str, Any]) -> list[str]:
    now = environment()
    pairs = [(name, text(then.get(name)), text(now.get(name))) for name in _PROGRAM]
    return [f"{name} {old[:12]} -> {new[:12]}" for name, old, new in pairs if old and new and old != new]


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return "; ".join(names[:_MOST]) + more
