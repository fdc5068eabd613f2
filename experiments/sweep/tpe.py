"""Tries suggested one after the other by Optuna's tree-structured Parzen estimator.

Bergstra et al. 2011, Algorithms for Hyper-Parameter Optimization. Optuna's study lives in memory and is replayed from
the scores, so that a suggestion is a function of the seed and the scores before it, however often a sweep was stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from experiments.sweep.draws import Space, Tuned, tidy
from experiments.sweep_options import Distribution


class Tpe:
    """The tries of one variant. Raises MissingExtra without optuna."""

    def __init__(self, space: Space, seed: int) -> None:
        try:
            import optuna
        except ModuleNotFoundError:
            # its module brings Lightning, for which nobody should wait who has no need of it
            from experiments.training.loggers import MissingExtra

            words = "sweep.tuning.search: tpe needs optuna, which is not installed: pip install 'swapformer[search]'"
            raise MissingExtra(words) from None
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._optuna = optuna
        self._space = space
        self._seed = seed
        self._distributions = {path: self._distribution(source) for path, source in space.items()}
        self._restart([])

    def walk(self, tries: int, score: Callable[[int, Tuned], float | None]) -> list[Tuned]:
        """The settings of the tries, at most so many, up to the first without a score.

        score: of a try, by its number and settings; smaller is better, infinite if it came to nothing, None while it is
        not known.
        """
        for number in range(tries):
            if number == len(self._settings):
                self._ask()
            found = score(number, self._settings[number])
            if found is None:
                return self._settings[: number + 1]
            if number < len(self._scores) and self._scores[number] != found:
                self._restart(self._scores[:number])
                self._ask()
            if number == len(self._scores):
                self._tell(found)
        return self._settings[:tries]

    def _restart(self, scores: list[float]) -> None:
        """Begin anew, with what is known of the first tries."""
        optuna = self._optuna
        self._study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=self._seed))
        self._settings: list[Tuned] = []
        self._scores: list[float] = []
        for score in scores:
            self._ask()
            self._tell(score)

    def _ask(self) -> None:
        self._open = self._study.ask(self._distributions)
        found = self._open.params
        self._settings.append({path: _setting(source, found[path]) for path, source in self._space.items()})

    def _tell(self, score: float) -> None:
        # only the ranks of scores matter to the estimator: an infinite one is behind all others
        self._study.tell(self._open, score)
        self._scores.append(score)

    def _distribution(self, source: list[Any] | Distribution) -> Any:
        kinds = self._optuna.distributions
        if isinstance(source, list):
            # by number: a value may be a whole block
            return kinds.CategoricalDistribution(range(len(source)))
        if source.integers is not None:
            return kinds.IntDistribution(*source.integers)
        return kinds.FloatDistribution(*_ends(source), log=source.log_uniform is not None)


def _setting(source: list[Any] | Distribution, found: Any) -> Any:
    """The value of a setting for what was found: the number of a value, or a number of a range."""
    if isinstance(source, list):
        return source[found]
    return found if source.integers is not None else tidy(found, *_ends(source))


def _ends(source: Distribution) -> list[float]:
    found = source.uniform or source.log_uniform
    if found is None:
        raise ValueError("a distribution needs one of uniform, log_uniform, integers")
    return found
