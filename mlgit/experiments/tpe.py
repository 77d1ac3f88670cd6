"""Settings that what was observed makes promising: the tree-structured Parzen estimator of Optuna (Bergstra et al. 2011).

Each answer is made from all trials there are, by a study that lives as long as the question: nothing is kept but the trials.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from typing import Any

from mlgit.adapters.system import installation
from mlgit.errors import MlgitError
from mlgit.experiments import draws
from mlgit.experiments.draws import ObservedTrial
from mlgit.experiments.number_range import is_number
from mlgit.experiments.search_space import Dimension, SearchSpace, setting

# As many are drawn at random before the first that is not, as Optuna does.
_FIRST_AT_RANDOM = 10
_MOST_ATTEMPTS = 10


class TpeSampler:
    """Trials that failed count as tried and no more; those that run keep others away from where they are."""

    def __init__(self, space: SearchSpace, *, n_trials: int | None, seed: int, direction: str) -> None:
        self._space, self._n_trials, self._seed, self._direction = space, n_trials, seed, direction
        self._random = draws.RandomSampler(space, n_trials=None, seed=seed)
        self._optuna = _optuna()
        self._spaces = {each.name: _distribution(self._optuna, each) for each in space.dimensions}
        self._told: dict[tuple[Any, ...], Any] = {}

    def ask(self, number: int, history: Sequence[ObservedTrial]) -> Mapping[str, Any] | None:
        """The setting with this number; None where as many were made as were asked for, or all there are."""
        if self._n_trials is not None and number > self._n_trials:
            return None
        known = sorted((each for each in history if each.number != number), key=lambda each: each.number)
        tried = {setting(each.changes) for each in known}
        # what was never computed tells nothing, so it is by the others that the first draws at random are counted
        if sum(each.value is not None for each in known) >= _FIRST_AT_RANDOM:
            study = self._study(known)
            for attempt in range(_MOST_ATTEMPTS):
                found = self._promising(study, number, attempt)
                if setting(found) not in tried:
                    return found
        return self._untried(number, tried)

    def _untried(self, number: int, tried: set[str]) -> Mapping[str, Any] | None:
        place = number
        while (found := self._random.ask(place, ())) is not None and setting(found) in tried:
            place += 1
        if found is None and place > number:
            places = range(1, number)
            return next((each for at in places if (each := self._random.ask(at, ())) and setting(each) not in tried), None)
        return found

    def _study(self, known: Sequence[ObservedTrial]) -> Any:
        study = self._optuna.create_study(direction="maximize" if self._direction == "higher" else "minimize")
        for trial in map(self._told_once, known):
            if trial is not None:
                study.add_trial(trial)
        return study

    def _told_once(self, each: ObservedTrial) -> Any:
        """A trial as Optuna is told of it, made once for each state that it is in; None for one of another search."""
        key = each.number, each.status, repr(each.value), setting(each.changes)
        if key not in self._told:
            self._told[key] = self._frozen(each)
        return self._told[key]

    def _frozen(self, each: ObservedTrial) -> Any:
        params = {one.name: _inner(one, each.changes.get(one.name)) for one in self._space.dimensions}
        if None in params.values():
            return None
        states = self._optuna.trial.TrialState
        state, value = states.FAIL, None
        if each.status in ("queued", "running"):
            state = states.RUNNING
        elif each.status == "finished" and each.value is not None and not math.isnan(each.value):
            state, value = states.COMPLETE, each.value
        trial = self._optuna.trial.create_trial(state=state, value=value, params=params, distributions=self._spaces)
        # a study copies each trial that it is given with all that is in it, which takes nearly all of the time of an answer
        trial.__deepcopy__ = lambda memo: copy.copy(trial)
        return trial

    def _promising(self, study: Any, number: int, attempt: int) -> dict[str, Any]:
        optuna = self._optuna
        seed = int(draws.share(self._seed, number, f"tpe {attempt}") * (1 << 32))
        study.sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=0, constant_liar=True)
        trial = study.ask(self._spaces)
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
        return {each.name: _outer(each, trial.params[each.name]) for each in self._space.dimensions}


def _distribution(optuna: Any, of: Dimension) -> Any:
    """How Optuna is told of a parameter: as a place in its values, which may be lists and texts, or as a fraction."""
    if of.span is None:
        return optuna.distributions.CategoricalDistribution(tuple(range(len(of.choices))))
    low, high = of.span.low, of.span.high
    if of.span.is_log and of.span.is_whole:
        return optuna.distributions.IntDistribution(low, high, log=True)
    if of.size is not None:
        return optuna.distributions.IntDistribution(0, of.size - 1)
    return optuna.distributions.FloatDistribution(low, high, log=of.span.is_log)


def _inner(of: Dimension, value: Any) -> Any:
    """A value as Optuna is told of it; None for one that is not in the space."""
    if of.span is not None and of.span.is_log and of.span.is_whole:
        return (
            value if isinstance(value, int) and not isinstance(value, bool) and of.span.low <= value <= of.span.high else None
        )
    if of.size is not None:
        return of.index(value)
    assert of.span
    return float(value) if is_number(value) and of.span.low <= value <= of.span.high else None


def _outer(of: Dimension, told: Any) -> Any:
    if of.span is not None and of.span.is_log and of.span.is_whole:
        return int(told)
    if of.size is not None:
        return of.value(int(told))
    assert of.span
    return of.span.rounded(float(told))


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise MlgitError(
            "`--sampler tpe` needs Optuna, which is not installed", f"type `{installation.adding_extra('tpe')}`"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna
