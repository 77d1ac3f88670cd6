"""How often the answer about a ranking or a loss is wrong: tables of docs/review.md, for metrics that are not counts of rows.

`python docs/simulation_scores.py [DRAWS]` prints the table, in some minutes. A cell is a pair of models of known
truth whose true loss lies exactly at the margin: to pass is then wrong (false pass), and so is to fail (false fail); 5 % of
each is what intervals at 90 % promise. A floor is judged at the true value of the current model alone. Draws and seeds are the
same every time.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from mlgit.statistics import metrics
from mlgit.statistics.bootstrap import interval
from mlgit.statistics.comparison import ComparisonOptions, compare
from mlgit.statistics.predictions import Predictions

DRAWS = 500
RESAMPLES = 999
SEED = 11
LEVEL = 0.9
_GRID = 20_000


@dataclass(frozen=True, slots=True)
class Cell:
    """Two models of one metric: `level` is the AUC that the scores of the baseline have (of losses: of their logits), `shape`
    the distribution of scores or errors, `together` how much the two models agree."""

    metric: str
    rows: int
    positives: int = 0
    level: float = 0.9
    shape: str = "normal"
    together: float = 0.8


@dataclass(frozen=True, slots=True)
class Errors:
    """Shares of the draws of a cell: wrong passes, wrong fails, no answer; and the same of a floor."""

    false_pass: float
    false_fail: float
    silent: float
    floor_pass: float
    floor_fail: float
    floor_silent: float


def errors(cell: Cell, *, draws: int = DRAWS, seed: int = SEED) -> Errors:
    """How often an interval of a cell ends on the wrong side of the truth."""
    generator, (old, new) = np.random.default_rng([seed, cell.rows, cell.positives]), truths(cell)
    counted = np.zeros(6)
    for _ in range(draws):
        rows = _rows(cell, generator)
        counted += [*_judged(cell, _difference(cell, rows), new - old), *_judged(cell, _floor(cell, rows), new)]
    return Errors(*(counted / draws).tolist())


def _judged(cell: Cell, found: Any, truth: float) -> tuple[bool, bool, bool]:
    """Whether an interval passes wrongly, fails wrongly, or is silent."""
    low, high = found.low, found.high
    if low is None or high is None:
        return False, False, True
    is_lower = metrics.metric(cell.metric).better == "lower"
    passes, fails = (high < truth, low > truth) if is_lower else (low > truth, high < truth)
    return passes and getattr(found, "may_pass", True), fails, False


def _floor(cell: Cell, rows: tuple[Any, Any, Any]) -> Any:
    said = {metrics.metric(cell.metric).needs: rows[2]}
    return interval(cell.metric, rows[0], **said, confidence_level=LEVEL, resamples=RESAMPLES)


def _difference(cell: Cell, rows: tuple[Any, Any, Any]) -> Any:
    sides = [Predictions(rows[0], **{metrics.metric(cell.metric).needs: each}) for each in rows[1:]]
    return compare(cell.metric, *sides, question=ComparisonOptions(LEVEL, resamples=RESAMPLES))


def _rows(cell: Cell, generator: Any) -> tuple[Any, Any, Any]:
    """Labels, and what both models say."""
    if not cell.positives:
        return _measured(cell, generator)
    label = (np.arange(cell.rows) < cell.positives).astype(int)
    shared, hidden = generator.normal(size=cell.rows), generator.random(cell.rows)
    said = []
    for level in levels(cell):
        noise = np.sqrt(cell.together) * shared + np.sqrt(1 - cell.together) * generator.normal(size=cell.rows)
        said.append(_scored(cell, level, label, noise, hidden))
    return label, said[0], said[1]


def levels(cell: Cell) -> tuple[float, float]:
    """The AUC of both models: half of what lies above the baseline is lost, at most 3 points."""
    return cell.level, cell.level - min(0.03, (1 - cell.level) / 2)


def _scored(cell: Cell, level: float, label: Any, noise: Any, hidden: Any) -> Any:
    """Scores of a given AUC: normal in both classes, wider for positives, or a share of the positives like negatives."""
    place = float(NormalDist().inv_cdf(level))
    if cell.shape == "wide":
        score = np.where(label == 1, 2 * noise + place * 5**0.5, noise)
    elif cell.shape == "hidden":
        score = np.where((label == 1) & (hidden >= 2 * (1 - level)), noise + 8, noise)
    else:
        score = noise + label * place * 2**0.5
    return score if cell.metric in ("roc_auc", "average_precision") else _probability(cell, level, score)


def _probability(cell: Cell, level: float, score: Any) -> Any:
    """The probability that the score speaks for; the log odds of two normal classes one apart in their means."""
    apart, share = float(NormalDist().inv_cdf(level)) * 2**0.5, cell.positives / cell.rows
    return 1 / (1 + np.exp(-(apart * score - apart**2 / 2 + np.log(share / (1 - share)))))


def _measured(cell: Cell, generator: Any) -> tuple[Any, Any, Any]:
    """Errors of two models: the current one's are a twentieth larger, and in a share of the rows the same mistake."""
    old = _drawn(cell.shape, generator, cell.rows)
    new = np.where(generator.random(cell.rows) < cell.together, old, _drawn(cell.shape, generator, cell.rows))
    label = generator.normal(size=cell.rows) * 2 * _deviation(cell.shape)
    return label, label + old, label + WORSE * new


WORSE = 1.05
_SHAPES: dict[str, tuple[Callable[[Any, int], Any], float, float]] = {
    # how to draw, the mean square, the mean absolute value
    "normal": (lambda generator, size: generator.normal(size=size), 1.0, (2 / np.pi) ** 0.5),
    "t5": (lambda generator, size: generator.standard_t(5, size=size), 5 / 3, 0.9490),
    "t3": (lambda generator, size: generator.standard_t(3, size=size), 3.0, 1.1027),
    "lognormal": (lambda generator, size: generator.lognormal(size=size), float(np.exp(2)), float(np.exp(0.5))),
}


def _drawn(shape: str, generator: Any, size: int) -> Any:
    return _SHAPES[shape][0](generator, size)


def _deviation(shape: str) -> float:
    return float(_SHAPES[shape][1] ** 0.5)


def truths(cell: Cell) -> tuple[float, float]:
    """The true values of both models."""
    if cell.metric == "roc_auc":
        return levels(cell)
    if cell.positives:
        old, new = (_of_grid(cell, level) for level in levels(cell))
        return old, new
    square, size = _SHAPES[cell.shape][1:]
    old, new = {
        "mae": (size, size * WORSE),
        "mse": (square, square * WORSE**2),
        "rmse": (square**0.5, square**0.5 * WORSE),
        "r2": (1 - 1 / 4, 1 - WORSE**2 / 4),
    }[cell.metric]
    return old, new


def _of_grid(cell: Cell, level: float) -> float:
    """A metric of the population, from evenly spaced quantiles of each class in the share it has."""
    steps = (np.arange(_GRID) + 0.5) / _GRID
    noise = np.array([NormalDist().inv_cdf(float(step)) for step in steps])
    label = np.repeat([1, 0], _GRID)
    hidden = np.concatenate([np.random.default_rng(0).permutation(steps), steps])
    said = _scored(cell, level, label, np.concatenate([noise, noise]), hidden)
    share = cell.positives / cell.rows
    weight = np.where(label == 1, share, 1 - share)
    chosen = metrics.metric(cell.metric)
    if chosen.kind == "ranking":
        return float(chosen.function(label, said, weight))
    return float(weight @ metrics.terms(chosen, label, said)[:, 0] / _GRID)


SHOWN = (
    Cell("roc_auc", 200, 20, 0.995),
    Cell("roc_auc", 500, 50, 0.995),
    Cell("roc_auc", 500, 50, 0.995, "wide"),
    Cell("average_precision", 60, 30, 0.98),
    Cell("average_precision", 200, 20, 0.995),
    Cell("log_loss", 40, 20, 0.98, together=0.9),
    Cell("brier", 200, 20, 0.995, together=0.9),
    *(Cell("rmse", 100, shape=shape, together=1.0) for shape in _SHAPES),
)
LEVELS = (0.75, 0.9, 0.98, 0.995)
RANKED = ((40, 20), (200, 20), (2_000, 20), (100, 50), (500, 50), (200, 100), (2_000, 200), (2_000, 1_000))


def grid() -> list[Cell]:
    """Every cell that the promises are made for; those of 4,000 draws each take hours."""
    found = [Cell("roc_auc", *sizes, level, shape) for sizes in RANKED for level in LEVELS for shape in ("normal", "wide")]
    found += [Cell("average_precision", *sizes, level) for sizes in RANKED if sizes[0] <= 500 for level in LEVELS]
    found += [
        Cell(metric, *sizes, level, together=together)
        for metric in ("log_loss", "brier")
        for sizes in ((400, 8), *RANKED[:5])
        for level in LEVELS
        for together in (0.5, 0.9)
    ]
    return found + [
        Cell(metric, rows, shape=shape, together=together)
        for metric in ("mae", "mse", "rmse", "r2")
        for shape in ("normal", "t5")
        for rows in (50, 100, 200, 1_000)
        for together in (0.0, 0.5, 1.0)
    ]


def line(cell: Cell, found: Errors) -> str:
    """A line of the table."""
    about = f"{cell.positives}, AUC {cell.level:g}, {cell.shape}" if cell.positives else f"errors {cell.shape}"
    shares = (found.false_pass, found.false_fail, found.floor_pass, found.floor_fail)
    return f"| {cell.metric} | {cell.rows:,} | {about} | {' | '.join(f'{share:.1%}' for share in shares)} |"


def main() -> None:
    """Print the table, line by line."""
    draws = int(sys.argv[1]) if len(sys.argv) > 1 else DRAWS
    print("| metric | rows | positives and scores | false pass | false fail | floor: false pass | floor: false fail |")
    print("|:--|--:|:--|--:|--:|--:|--:|")
    for cell in SHOWN:
        print(line(cell, errors(cell, draws=draws)), flush=True)


if __name__ == "__main__":
    main()
