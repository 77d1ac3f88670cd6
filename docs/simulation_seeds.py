"""How often a recipe that is no better is called so, from several seeds, folds, or repeats of a case: tables of docs/review.md.

`python docs/simulation_seeds.py [DRAWS]` prints them, in some minutes. Two recipes are equally good in truth; rows differ in
how hard they are for either, a seed moves all rows of a model and each of them, and 5 % is what an interval at 90 % promises on
either side. Draws and seeds are the same every time.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlgit.evaluation import expression_intervals, expression_values, expressions
from mlgit.evaluation.expressions import Expression
from mlgit.statistics import estimate_comparison, folds, recipes
from mlgit.statistics.comparison import ComparisonOptions
from mlgit.statistics.estimate import Estimate
from mlgit.statistics.influence_intervals import RowStructure
from mlgit.statistics.recipes import RecipeFiles, RecipeOptions

DRAWS = 1000
RESAMPLES = 999
SEED = 19
LEVEL = 0.9
ROWS = 500
_PLACE = 1.6448536269514722
# How often a case passes: 10 in 13, by a beta distribution.
_PASSED = (2.0, 0.6)


@dataclass(frozen=True, slots=True)
class Cell:
    """Two recipes with so many seeds: `rows` is how differently they do on a row, `moved` what a seed moves on each row, and
    `seeds` what it moves on all, in units in which the first two add as much to a mean of ROWS rows as `seeds` of 1 does."""

    name: str
    baseline: int
    current: int
    rows: float = 1.0
    moved: float = 0.0
    seeds: float = 1.0
    shape: str = "normal"


def wrong(cell: Cell, *, draws: int = DRAWS, seed: int = SEED) -> tuple[float, float, float]:
    """How often one of two equal recipes is called better (the mean of both sides): by rows alone, by a bootstrap of rows and
    seeds, and by `recipes`."""
    generator, counted = np.random.default_rng([seed, cell.baseline, cell.current]), np.zeros(3)
    asked = RecipeOptions(LEVEL, resamples=RESAMPLES, fewest=2)
    for _ in range(draws):
        old, new = _files(cell, generator)
        value, each = new.value - old.value, new.influence - old.influence
        of_rows = float(each @ each)
        both = of_rows + sum((1 - 1 / len(side.values)) * side.between for side in (old, new))
        counted[:2] += [abs(value) > _PLACE * math.sqrt(variance) for variance in (of_rows, both)]
        found = recipes.difference(old, new, question=asked).spread
        counted[2] += found.low > 0 or found.high < 0
    rows, bootstrap, own = (counted / draws / 2).tolist()
    return rows, bootstrap, own


def _files(cell: Cell, generator: Any) -> tuple[RecipeFiles, RecipeFiles]:
    """The losses of all files as what `recipes` takes: the mean over rows, and the influence of each row."""
    found, shared = [], _drawn(cell, generator, ROWS)
    for number in (cell.baseline, cell.current):
        own = shared + cell.rows * 0.5**0.5 * _drawn(cell, generator, ROWS)
        of_seed = cell.seeds / ROWS**0.5 * generator.normal(size=(number, 1))
        losses = own + of_seed + cell.moved * _drawn(cell, generator, (number, ROWS))
        values = losses.mean(axis=1)
        found.append(RecipeFiles(values, (losses - values[:, None]) / ROWS))
    return found[0], found[1]


def _drawn(cell: Cell, generator: Any, shape: Any) -> Any:
    """What has mean 0 and variance 1."""
    if cell.shape == "lognormal":
        return (generator.lognormal(size=shape) - math.exp(0.5)) / math.sqrt((math.e - 1) * math.e)
    return generator.normal(size=shape)


def wrong_by_folds(number: int, *, draws: int = DRAWS, rows: int = 100, seed: int = SEED) -> tuple[float, float]:
    """How often one of two equal recipes, each a regression on five features of its own of ten equal ones, is called better by
    K folds (the mean of both sides): by Student's t, and by the corrected one."""
    generator, counted = np.random.default_rng([seed, number]), np.zeros(2)
    for _ in range(draws):
        features = generator.normal(size=(rows, 10))
        label = features.sum(axis=1) / 3 + generator.normal(size=rows)
        sides = [_of_folds(features[:, part], label, number) for part in (slice(0, 5), slice(5, 10))]
        apart = sides[1] - sides[0]
        found = folds.difference(*sides, confidence=LEVEL)
        plain = folds.corrected_error(apart, test_to_train=0.0) / folds.corrected_error(apart, test_to_train=1 / (number - 1))
        half = (found.high - found.low) / 2
        counted += [abs(apart.mean()) > plain * half, abs(apart.mean()) > half]
    plain_, corrected = (counted / draws / 2).tolist()
    return plain_, corrected


def _of_folds(features: Any, label: Any, number: int) -> Any:
    """The mean absolute error in each fold of a regression trained on the others."""
    fold, found = np.arange(len(label)) % number, []
    for each in range(number):
        slopes = np.linalg.lstsq(features[fold != each], label[fold != each], rcond=None)[0]
        found.append(np.abs(label[fold == each] - features[fold == each] @ slopes).mean())
    return np.array(found)


def repeats(
    cases: int,
    number: int,
    *,
    drop: float = 0.0,
    apart: bool = False,
    whole: bool = True,
    draws: int = DRAWS,
    level: float = LEVEL,
) -> float:
    """How often `number` repeats of each case show that a model passes fewer of them (of two equal ones: the mean of worse and
    better). It passes `drop` less of every case alike, or finds other cases hard (`apart`). What is drawn are cases, or, unless
    `whole`, answers one by one."""
    generator, counted = np.random.default_rng([SEED, cases, number]), np.zeros(2)
    expression, case = expressions.parse("share(passed == 1)"), np.repeat(np.arange(cases), number)
    asked = ComparisonOptions(level, resamples=RESAMPLES)
    for _ in range(draws):
        old = generator.beta(*_PASSED, size=cases)
        new = generator.beta(*_PASSED, size=cases) if apart else old * (1 - drop * sum(_PASSED) / _PASSED[0])
        sides = [{"passed": (generator.random(len(case)) < each[case]).astype(int)} for each in (old, new)]
        how = RowStructure(case if whole and number > 1 else None)
        before, now = (_passed(expression, each, len(case)) for each in sides)
        found = estimate_comparison.compare("passed", before, now, rows=how, question=asked)
        if found.low is not None and found.high is not None:
            counted += [found.high < 0, found.low > 0]
    worse, better = (counted / draws).tolist()
    return float(worse if drop else (worse + better) / 2)


def _passed(expression: Expression, table: dict[str, Any], rows: int) -> Estimate:
    return expression_intervals.estimate(expression, expression_values.rows_of(expression, table, rows=rows), rows=rows)


_KINDS = (
    ("rows and seeds alike", 1.0, 0.0, 1.0, "normal"),
    ("seeds mostly", 0.3, 0.3, 3.0, "normal"),
    ("seeds move single rows", 0.3, 1.0, 0.5, "normal"),
    ("skewed rows", 1.0, 0.5, 1.0, "lognormal"),
)
SEEDS = (2, 3, 5, 10)
CELLS = [
    *(Cell(name, each, each, rows, moved, seeds, shape) for name, rows, moved, seeds, shape in _KINDS for each in SEEDS),
    Cell("rows and seeds alike", 3, 10),
]
FOLDS = (5, 10, 20)
REPEATS = (1, 3, 5, 10)


def line(cell: Cell, found: tuple[float, float, float]) -> str:
    """A line of the table of seeds."""
    seeds = str(cell.current) if cell.baseline == cell.current else f"{cell.baseline} and {cell.current}"
    return f"| {cell.name} | {seeds} | {' | '.join(f'{share:.1%}' for share in found)} |"


def print_seeds(draws: int) -> None:
    """How often several seeds are wrong."""
    print("| what differs | seeds a side | rows alone | bootstrap of rows and seeds | mlgit |")
    print("|:--|--:|--:|--:|--:|")
    for cell in CELLS:
        print(line(cell, wrong(cell, draws=draws)), flush=True)


def print_folds(draws: int) -> None:
    """How often several folds are wrong."""
    print("| folds | Student's t | corrected t |")
    print("|--:|--:|--:|")
    for number in FOLDS:
        print(f"| {number} | {' | '.join(f'{share:.1%}' for share in wrong_by_folds(number, draws=draws))} |", flush=True)


def print_repeats(draws: int) -> None:
    """How often repeats of 200 cases are wrong, and what they find."""
    print("| repeats of each of 200 cases | wrong | answers drawn one by one | a drop of 5 points is found |")
    print("|--:|--:|--:|--:|")
    for number in REPEATS:
        shares = [repeats(200, number, apart=True, whole=whole, draws=draws) for whole in (True, False)]
        shares.append(repeats(200, number, drop=0.05, draws=draws))
        print(f"| {number} | {' | '.join(f'{share:.1%}' for share in shares)} |", flush=True)


TABLES: dict[str, Callable[[int], None]] = {"seeds": print_seeds, "folds": print_folds, "repeats": print_repeats}


def main() -> None:
    """Print all tables, or those that are named; a number is that of the draws."""
    given = sys.argv[1:]
    draws = next((int(each) for each in given if each.isdigit()), DRAWS)
    for name, show in TABLES.items():
        if name in given or not set(given) & TABLES.keys():
            show(draws)
            print()


if __name__ == "__main__":
    main()
