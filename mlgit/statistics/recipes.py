"""Two recipes, each of which was trained with several seeds and judged on the same rows: is one of them better?

Two things are drawn at random: rows, and seeds. The variance that rows give is that of the difference of the seed means, row
by row (or cluster by cluster, or by blocks of a series). What seeds give is the variance of the metric between the files of a
recipe over their number; as all files are judged on the same rows, none of it is noise of rows. But what a seed does to single
rows is in both, so it is taken out once: as much as the influences of rows differ between the files of a recipe. The sum is
held against Student's t by Satterthwaite (1946, Biometrics Bull. 2, 110) and Welch (1947, Biometrika 34, 28): few seeds tell
little about their own variance.

Fewer than three files on a side say too little about what another seed would do: then the answer is about these files, and rows
alone are drawn. So it is where all files of a side say the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from mlgit import lazy_numpy as np
from mlgit.statistics import blocks, influence_intervals
from mlgit.statistics.distributions import normal_quantile, student_cdf, student_quantile
from mlgit.statistics.influence_intervals import RowStructure
from mlgit.statistics.resampling import SAME, Spread, nothing

if TYPE_CHECKING:
    from mlgit.statistics.estimate import Estimate
    from mlgit.statistics.rows import Array

# With fewer files on a side, the answer is about files.
FEWEST_SEEDS = 3
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class RecipeFiles:
    """The files of one recipe, judged on the same rows: the metric of each, shape (S,), and the influence of every row on it,
    shape (S, n)."""

    values: Array
    influences: Array

    @property
    def are_same(self) -> bool:
        """Whether there are several and all say the same."""
        first = self.values[0] == self.values, self.influences[0] == self.influences
        return len(self.values) > 1 and bool(first[0].all() and first[1].all())

    @property
    def value(self) -> float:
        """That of the recipe: the mean over its files."""
        return float(self.values.mean())

    @property
    def between(self) -> float:
        """The variance of the mean over files that comes from their number."""
        size = len(self.values)
        return float(self.values.var(ddof=1)) / size if size > 1 else 0.0

    @property
    def influence(self) -> Array:
        """How far each row moves the mean over files, shape (n,)."""
        return np.asarray(self.influences.mean(axis=0))

    def shared(self, structure: RowStructure, block: int) -> float:
        """What of the variance of rows is that of seeds on single rows."""
        size = len(self.values)
        if size < 2:
            return 0.0
        apart = self.influences - self.influence
        return sum(structure.variance(each, block=block) for each in apart) / (size * (size - 1))


@dataclass(frozen=True, slots=True)
class RecipeClaim:
    """What an interval is about: recipes, or no more than files, and `why` then; `seeds` is how many files each side has."""

    about: Literal["recipes", "files"]
    seeds: tuple[int, ...]
    why: str = ""

    @property
    def text(self) -> str:
        """The same in words."""
        recipe = "the recipes" if len(self.seeds) > 1 else "the recipe"
        listed = " and ".join(map(str, self.seeds))
        noun = "seed" if self.seeds[-1] == 1 else "seeds"
        if self.about == "recipes":
            return f"about {recipe}: {listed} {noun}"
        return f"about these files, not about {recipe}: {listed} {noun}, {self.why}"


@dataclass(frozen=True, slots=True, eq=False)
class RecipeResult:
    """A value of recipes (of one: the mean over its files; of two: the difference), its interval, and what that is about."""

    value: float
    spread: Spread
    claim: RecipeClaim


@dataclass(frozen=True, slots=True, eq=False)
class RecipeOptions:
    """How intervals of recipes are made, and how rows hang together; `fewest` is how many files each side needs for a claim
    about recipes."""

    confidence_level: float = 0.95
    resamples: int = 9999
    seed: int = 0
    structure: RowStructure = field(default_factory=RowStructure)
    fewest: int = FEWEST_SEEDS


def files(estimates: Sequence[Estimate]) -> RecipeFiles:
    """The files of a recipe from the estimate of each; all on the same rows in the same order."""
    return RecipeFiles(np.array([each.value for each in estimates]), np.array([each.influence for each in estimates]))


def difference(baseline: RecipeFiles, current: RecipeFiles, *, question: RecipeOptions) -> RecipeResult:
    """current - baseline of the means over files, on rows that are the same and in the same order."""
    value = current.value - baseline.value
    return _result(value, current.influence - baseline.influence, (baseline, current), question)


def interval(given: RecipeFiles, *, question: RecipeOptions) -> RecipeResult:
    """The mean over the files of one recipe, with its interval."""
    return _result(given.value, given.influence, (given,), question)


def _result(value: float, influence: Array, sides: Sequence[RecipeFiles], asked: RecipeOptions) -> RecipeResult:
    claim = _claim(sides, asked.fewest)
    # what is left where the same files stand in another order
    value = 0.0 if abs(value) <= _ROUNDING * max(float(np.abs(each.values).max()) for each in sides) else value
    rounding = _ROUNDING * max(float(np.abs(each.influences).max(initial=0.0)) for each in sides)
    influence = np.where(np.abs(influence) > rounding, influence, 0.0)
    if not np.isfinite(value):
        return RecipeResult(value, nothing("the metric is undefined for these rows"), claim)
    of_seeds = _of_seeds(influence, sides, asked.structure) if claim.about == "recipes" else _OfSeeds(0.0, 0.0)
    if why := influence_intervals.too_few(asked.structure, len(influence)):
        return RecipeResult(value, nothing(why), claim)
    if influence.any():
        confidence, resamples, seed = asked.confidence_level, asked.resamples, asked.seed
        rows = influence_intervals.interval(
            value, influence, asked.structure, confidence=confidence, resamples=resamples, seed=seed
        )
    elif of_seeds.variance > 0:
        rows = Spread(value, value, "")
    else:
        are_equal = len(sides) == 2 and not value
        rows = Spread(0.0, 0.0, "no row differs", lambda least: float(least >= 0)) if are_equal else nothing(SAME)
    if of_seeds.square > 0 and not rows.why and (of_seeds.variance > 0 or rows.low < rows.high):
        rows = _combined(value, rows, of_seeds, asked.confidence_level)
    return RecipeResult(value, rows, claim)


def _claim(sides: Sequence[RecipeFiles], fewest: int) -> RecipeClaim:
    seeds = tuple(len(each.values) for each in sides)
    if min(seeds) < fewest:
        each_side = " on each side" if len(sides) > 1 else ""
        return RecipeClaim("files", seeds, f"at least {fewest} needed{each_side}")
    same = [number for number, each in enumerate(sides) if each.are_same]
    if same:
        whose = ["the baseline", "the current side"][same[0]] if len(sides) > 1 else "the recipe"
        whose = "each side" if len(same) > 1 else whose
        return RecipeClaim("files", seeds, f"and all of {whose} say the same: is the seed used?")
    return RecipeClaim("recipes", seeds)


@dataclass(frozen=True, slots=True)
class _OfSeeds:
    """The variance that seeds add to that of rows; `square` is the sum over sides of its square over degrees of freedom."""

    variance: float
    square: float

    def freedom(self, variance: float) -> float:
        """Of a variance that holds this one."""
        return variance**2 / self.square


def _of_seeds(influence: Array, sides: Sequence[RecipeFiles], structure: RowStructure) -> _OfSeeds:
    block = 1 if structure.order is None else blocks.whole_length(influence[structure.order])
    between = [each.between for each in sides]
    shared = sum(each.shared(structure, block) for each in sides)
    square = sum(each**2 / (len(side.values) - 1) for each, side in zip(between, sides, strict=True))
    return _OfSeeds(max(0.0, sum(between) - shared), square)


def _combined(value: float, rows: Spread, seeds: _OfSeeds, confidence: float) -> Spread:
    """The interval of rows, which may be wider on one side, widened by what seeds add."""
    tail = (1 - confidence) / 2
    place = normal_quantile(tail)
    # the variance of rows that would put a normal end where theirs is
    variances = [seeds.variance + ((end - value) / place) ** 2 for end in (rows.low, rows.high)]
    widths = [student_quantile(1 - tail, seeds.freedom(each)) * math.sqrt(each) for each in variances]

    def below(least: float) -> float:
        variance = variances[0] if least < value else variances[1]
        found = student_cdf((least - value) / math.sqrt(variance), seeds.freedom(variance))
        alone = rows.below(least)
        if alone != alone:  # no row tells anything
            return found
        return min(max(found, alone), 0.5) if least < value else max(min(found, alone), 0.5)

    method = f"{rows.method} of rows, Welch's t of seeds" if rows.method else "Welch's t of seeds"
    return replace(rows, low=value - widths[0], high=value + widths[1], method=method, below=below)
