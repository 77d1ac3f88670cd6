"""How often the answer about a column is wrong: a table of docs/review.md, for what people measure row by row themselves.

`python docs/simulation_columns.py [DRAWS]` prints the table, in some minutes. A cell is a pair of models whose true loss lies
exactly at the margin: to pass is then wrong (false pass), and so is to fail (false fail); 5 % of each is what intervals at 90 %
promise. What a row says is the same in both models in part, and the current one is worse by a factor, so that its long tail,
where there is one, is on the side of loss. Draws and seeds are the same every time.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

import numpy as np

from mlgit.evaluation import expression_intervals, expression_values, expressions
from mlgit.evaluation.expressions import Expression
from mlgit.statistics import estimate_comparison
from mlgit.statistics.comparison import ComparisonOptions
from mlgit.statistics.estimate import Estimate
from mlgit.statistics.influence_intervals import RowStructure

DRAWS = 1000
RESAMPLES = 999
SEED = 17
LEVEL = 0.9
ROWS = (50, 200, 1_000, 5_000)
WORSE = 1.1
# Of the clusters: how many rows at least and on average, and how much of a row all of its cluster share.
_PER_CLUSTER = 5
_OF_CLUSTER = 0.5
# Of a series: how much of an hour the next one keeps.
_KEPT = 0.6
_SHARE = 0.9
_RARE = 0.05
_HITS = 0.1
_EXPRESSIONS = {
    "mean": ("mean(x)", "lower"),
    "median": ("median(x)", "lower"),
    "p90": ("p90(x)", "lower"),
    "share": ("share(x == 1)", "higher"),
    "ratio": ("sum(x) / sum(y)", "lower"),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """Two models by one column: what is made of it, how its values are distributed, and how rows hang together: `rows` that
    do not, `clusters` of about five, or a `series`. `together` is how much the two models agree."""

    does: str
    shape: str
    rows: int
    units: str = "rows"
    together: float = 0.8


@dataclass(frozen=True, slots=True)
class Errors:
    """Shares of the draws of a cell: wrong passes, wrong fails, no answer, and passes and fails held back by a note."""

    false_pass: float
    false_fail: float
    silent: float
    unheeded: float


def errors(cell: Cell, *, draws: int = DRAWS, seed: int = SEED) -> Errors:
    """How often the interval of a cell ends on the wrong side of the truth; `unheeded` are passes that a note holds back."""
    generator = np.random.default_rng([seed, cell.rows])
    text, better = _EXPRESSIONS[cell.does]
    expression, truth, counted = expressions.parse(text), _truth(cell), np.zeros(4)
    asked = ComparisonOptions(LEVEL, resamples=RESAMPLES)
    for _ in range(draws):
        structure = {cell.units: _structure(cell, generator)} if cell.units != "rows" else {}
        old, new = _sides(cell, generator, structure)
        how = RowStructure(structure.get("clusters"), structure.get("series"))
        sides = [_estimate(expression, each, cell.rows) for each in (old, new)]
        found = estimate_comparison.compare(text, sides[0], sides[1], rows=how, question=asked)
        low, high = found.low, found.high
        if low is None or high is None:
            counted[2] += 1
            continue
        passes, fails = (low > truth, high < truth) if better == "higher" else (high < truth, low > truth)
        counted += [passes and found.may_pass, fails, False, passes and not found.may_pass]
    return Errors(*(counted / draws).tolist())


def _estimate(expression: Expression, table: dict[str, Any], rows: int) -> Estimate:
    return expression_intervals.estimate(expression, expression_values.rows_of(expression, table, rows=rows), rows=rows)


def _structure(cell: Cell, generator: Any) -> Any:
    """The cluster of each row, or its place in time."""
    if cell.units == "series":
        return np.arange(cell.rows)
    drawn = np.sort(generator.integers(0, max(1, cell.rows // _PER_CLUSTER), cell.rows))
    return np.unique(drawn, return_inverse=True)[1]


def _normal(cell: Cell, generator: Any, structure: dict[str, Any]) -> Any:
    """A standard normal value of each row, related to others in the way of the cell."""
    own = generator.normal(size=cell.rows)
    if cell.units == "clusters":
        groups = structure["clusters"]
        return _OF_CLUSTER**0.5 * generator.normal(size=cell.rows)[groups] + (1 - _OF_CLUSTER) ** 0.5 * own
    if cell.units == "series":
        from scipy.signal import lfilter

        return lfilter([(1 - _KEPT**2) ** 0.5], [1, -_KEPT], np.concatenate([generator.normal(size=50), own]))[50:]
    return own


def _sides(cell: Cell, generator: Any, structure: dict[str, Any]) -> list[dict[str, Any]]:
    """The columns of both models."""
    shared = [_normal(cell, generator, structure) for _ in range(3)]
    found = []
    for worse in (1.0, WORSE):
        said = [
            cell.together**0.5 * each + (1 - cell.together) ** 0.5 * _normal(cell, generator, structure) for each in shared[:2]
        ]
        found.append(_columns(cell, generator, said, shared[2], worse))
    return found


def _columns(cell: Cell, generator: Any, said: list[Any], size: Any, worse: float) -> dict[str, Any]:
    one, other = said
    match cell.shape:
        case "normal":
            return {"x": worse * (3 + one)}
        case "lognormal":
            return {"x": worse * np.exp(one)}
        case "heavy":
            return {"x": worse * np.exp(2 * one)}
        case "zeros":
            return {"x": worse * np.where(one > NormalDist().inv_cdf(1 - _RARE), np.exp(other), 0.0)}
        case "truth":
            return {"x": (one < NormalDist().inv_cdf(1 - worse * (1 - _SHARE))).astype(int)}
        case "errors":
            words = 1 + np.floor(8 * np.exp(0.8 * size))
            return {"x": generator.poisson(worse * 0.1 * words * np.exp(other - 0.5)), "y": words}
        case "clicks":
            seen = 1 + np.floor(20 * np.exp(size))
            return {"x": generator.binomial(seen.astype(int), worse * 0.04 * np.exp(0.5 * np.clip(other, -3, 3))), "y": seen}
    return {"x": worse * np.exp(other), "y": (one > NormalDist().inv_cdf(1 - _HITS)).astype(int)}


def _truth(cell: Cell) -> float:
    """The true difference: the loss of the current model."""
    normal = NormalDist()
    places = {"mean": {"normal": 3.0, "lognormal": np.exp(0.5), "heavy": np.exp(2.0), "zeros": _RARE * np.exp(0.5)}}
    quantile = {"median": 0.0, "p90": normal.inv_cdf(0.9)}.get(cell.does, 0.0)
    value = {
        "share": -(1 - _SHARE),
        "median": _at(cell.shape, quantile),
        "p90": _at(cell.shape, quantile),
        "mean": float(places["mean"].get(cell.shape, 0.0)),
        "ratio": {"errors": 0.1, "clicks": 0.04 * _clipped(), "hits": np.exp(0.5) / _HITS}.get(cell.shape, 0.0),
    }[cell.does]
    return float((WORSE - 1) * value)


def _at(shape: str, place: float) -> float:
    return float({"normal": 3 + place, "lognormal": np.exp(place), "heavy": np.exp(2 * place)}.get(shape, 0.0))


def _clipped() -> float:
    """The mean of exp(z / 2) of a normal z that ends at 3 on either side."""
    z = np.clip(np.array([NormalDist().inv_cdf((i + 0.5) / 20_000) for i in range(20_000)]), -3, 3)
    return float(np.exp(0.5 * z).mean())


# What a line of the table is about; `rows` of its cells is replaced.
LINES = {
    "mean, normal": Cell("mean", "normal", 0),
    "mean, lognormal (σ 1)": Cell("mean", "lognormal", 0),
    "mean, lognormal (σ 2)": Cell("mean", "heavy", 0),
    "mean, 95 % zeros, else lognormal": Cell("mean", "zeros", 0),
    "ratio, errors of words": Cell("ratio", "errors", 0),
    "ratio, clicks of views": Cell("ratio", "clicks", 0),
    "ratio, cost of hits (1 row in 10)": Cell("ratio", "hits", 0),
    "share of 90 %": Cell("share", "truth", 0),
    "median, lognormal": Cell("median", "lognormal", 0),
    "p90, lognormal": Cell("p90", "lognormal", 0),
    "every row worse: mean, lognormal (σ 1)": Cell("mean", "lognormal", 0, together=1.0),
    "every row worse: mean, lognormal (σ 2)": Cell("mean", "heavy", 0, together=1.0),
    "every row worse: cost of hits": Cell("ratio", "hits", 0, together=1.0),
    "every row worse: p90, lognormal": Cell("p90", "lognormal", 0, together=1.0),
}
PLACES = (
    *(("rows", number) for number in ROWS),
    *((units, number) for units in ("clusters", "series") for number in (200, 1_000)),
)


def cells(name: str) -> list[Cell]:
    """Those of a line: rows, and of models that differ in more than a factor clusters and series too."""
    places = PLACES[: len(ROWS)] if LINES[name].together == 1 else PLACES
    return [replace(LINES[name], units=units, rows=number) for units, number in places]


def line(name: str, *, draws: int) -> str:
    """Wrong passes and wrong fails by the number of rows."""
    found = [errors(cell, draws=draws) for cell in cells(name)]
    shares = [f"{each.false_pass:.1%} / {each.false_fail:.1%}" for each in found] + [""] * (len(PLACES) - len(found))
    return f"| {name} | {' | '.join(shares)} |"


def main() -> None:
    """Print the table."""
    draws = int(sys.argv[1]) if len(sys.argv) > 1 else DRAWS
    heads = [f"{number:,} rows" if units == "rows" else f"{units}, {number:,}" for units, number in PLACES]
    print(f"| column | {' | '.join(heads)} |")
    print(f"|:--|{'--:|' * len(heads)}")
    for name in LINES:
        print(line(name, draws=draws), flush=True)


if __name__ == "__main__":
    main()
