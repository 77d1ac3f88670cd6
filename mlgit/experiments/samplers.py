"""The samplers by name."""

from __future__ import annotations

from mlgit.errors import MlgitError, near_miss
from mlgit.experiments.draws import GridSampler, ObservedTrial, RandomSampler, Sampler
from mlgit.experiments.search_space import SearchSpace
from mlgit.experiments.tpe import TpeSampler

GRID, RANDOM, TPE = NAMES = ("grid", "random", "tpe")

__all__ = ["GRID", "NAMES", "RANDOM", "TPE", "ObservedTrial", "Sampler", "make"]


def make(
    name: str, space: SearchSpace, *, n_trials: int | None = None, seed: int = 0, objective: str = "", direction: str = ""
) -> Sampler:
    """The sampler of this name, which asks for at most `n_trials` trials; a grid without that number is as large as it is.

    `direction` is 'higher' or 'lower', of the objective, which only `tpe` looks at. Raises MlgitError where the space does
    not suit the sampler, and where it lacks something.
    """
    if n_trials is not None and n_trials < 1:
        raise MlgitError(f"--trials: {n_trials} is not a number of trials", "at least 1")
    if name == GRID:
        return GridSampler(space, n_trials=n_trials)
    if name not in NAMES:
        raise MlgitError(f"no sampler '{name}'{near_miss(name, NAMES)}", f"there are {', '.join(NAMES)}")
    if n_trials is None and space.size is None:
        raise MlgitError(f"`--sampler {name}` does not know how many trials to make", "say it: `--trials 20`")
    if name == RANDOM:
        return RandomSampler(space, n_trials=n_trials, seed=seed)
    if not objective or direction not in ("higher", "lower"):
        raise MlgitError(
            "`--sampler tpe` does not know what to improve",
            "name a metric that has its direction in mlgit.yaml: `--objective roc_auc`",
        )
    return TpeSampler(space, n_trials=n_trials, seed=seed, direction=direction)
