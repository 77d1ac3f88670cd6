"""How often rules about metrics of the confusion table are wrong: the tables of docs/review.md.

`python docs/simulation_confusion.py` prints them; `--bootstrap` adds, slowly, what a bootstrap over the cells of the table
would say. A false pass is a pass where the true loss is exactly the margin, a false fail a failure there. Shares of the rows
of a class are enumerated, table by table; other metrics are drawn, with the same seed every time.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from mlgit.statistics import confusion, resampling, score

SEED = 7
DRAWS = 4_000
Z_ONE_SIDED = 1.6448536269514722
POSITIVES = (50, 100, 200, 1_000)
BASE_RATES = (0.01, 0.1, 0.5)
CHANGES = ((0.015, 0.005), (0.05, 0.02), (0.07, 0.02), (0.15, 0.10))  # broken and fixed, as shares of the positives
ONE_SIDED = ((0.01, 0.0), (0.03, 0.0), (0.05, 0.0), (0.10, 0.0))  # nothing fixed
VALUES = (0.5, 0.8, 0.95)  # of precision and of recall
# Kinds of rows: label, old and new prediction. In turn: right twice, broken, fixed, wrong twice; a false positive of both,
# of the new model only, of the old one only, and of none.
LABEL = np.array([1, 1, 1, 1, 0, 0, 0, 0])
OLD = np.array([1, 1, 0, 0, 1, 0, 1, 0])
NEW = np.array([1, 0, 1, 0, 1, 1, 0, 0])


class Cell(NamedTuple):
    """A cell of the grid: how many rows, and the true share of each kind."""

    positives: int
    base_rate: float
    change: tuple[float, float]
    precision: float
    recall: float
    rows: int
    shares: Any


def grid(changes: tuple[tuple[float, float], ...] = CHANGES, *, positives: tuple[int, ...] = POSITIVES) -> Iterator[Cell]:
    """Every cell in which no share is below 0; false positives come and go as often as positive rows."""
    for number in positives:
        for base in BASE_RATES:
            for broken, fixed in changes:
                for precision in VALUES:
                    for recall in VALUES:
                        false, rest = recall * (1 - precision) / precision, (1 - base) / base
                        kinds = [recall - broken, broken, fixed, 1 - recall - fixed]
                        kinds += [false - fixed, broken, fixed, rest - false - broken]
                        if min(kinds) >= -1e-12:
                            shares = np.maximum(kinds, 0) * base
                            yield Cell(
                                number, base, (broken, fixed), precision, recall, round(number / base), shares / shares.sum()
                            )


def wrong(metric: str, cell: Cell, *, draws: int = DRAWS, beta: float = 1.0) -> tuple[float, float]:
    """The shares of draws that falsely pass, and falsely fail; `beta` is that of f_beta."""
    drawn = np.random.default_rng(SEED).multinomial(cell.rows, cell.shares, size=draws)
    truth, sample = (confusion.of_kinds(metric, LABEL, OLD, NEW, each, beta=beta) for each in (cell.shares, drawn))
    place = score.statistic(sample, delta=float(truth.new - truth.old))
    return float((place > Z_ONE_SIDED).mean()), float((place < -Z_ONE_SIDED).mean())


def wrong_of_share(number: int, broken: float, fixed: float) -> tuple[float, float]:
    """The chances that Tango's interval falsely passes or fails a share of so many rows: every table that may come counts."""
    most = [min(number, int(number * share + 9 * np.sqrt(number * share) + 9)) for share in (broken, fixed)]
    lost, won = (each.ravel() for each in np.meshgrid(np.arange(most[0] + 1), np.arange(most[1] + 1)))
    lost, won = lost[lost + won <= number], won[lost + won <= number]
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, number + 1)))])
    rest = number - lost - won
    chance = logs[number] - logs[lost] - logs[won] - logs[rest] + lost * np.log(broken) + rest * np.log(1 - broken - fixed)
    chance = np.exp(chance + (won * np.log(fixed) if fixed else np.where(won > 0, -np.inf, 0.0)))
    tables = np.stack([rest, lost, won], axis=-1)
    place = score.statistic(confusion.of_kinds("recall", LABEL[:3], OLD[:3], NEW[:3], tables), delta=fixed - broken)
    return float(chance[place > Z_ONE_SIDED].sum()), float(chance[place < -Z_ONE_SIDED].sum())


def wrong_of_bootstrap(metric: str, cell: Cell, *, draws: int) -> tuple[float, float]:
    """The same of a BCa bootstrap over the cells, 999 resamples in each draw."""
    truth = confusion.of_kinds(metric, LABEL, OLD, NEW, cell.shares)
    margin, found = float(truth.new - truth.old), []
    hot = np.eye(len(LABEL))

    def difference(counts: Any) -> Any:
        sample = confusion.of_kinds(metric, LABEL, OLD, NEW, counts)
        return sample.new - sample.old

    for table in np.random.default_rng(SEED).multinomial(cell.rows, cell.shares, size=draws):
        sums = resampling.Sums(hot[table > 0], table[table > 0], difference)
        spread = resampling.interval(sums, confidence=0.9, resamples=999, seed=0)
        found.append((spread.low > margin, spread.high < margin))
    return float(np.mean(found, axis=0)[0]), float(np.mean(found, axis=0)[1])


def limits_table(*, with_bootstrap: bool = False) -> list[str]:
    """Markdown: the worst cell of each metric."""
    lines = ["| metric | what changes | cells | worst false pass | worst false fail |", "|:--|:--|--:|--:|--:|"]
    for told, changes in (("broken and fixed", CHANGES), ("broken only", ONE_SIDED)):
        shares = [wrong_of_share(number, *change) for number in POSITIVES for change in changes]
        found = {"recall, specificity (enumerated)": shares}
        for metric in ("precision", "f1", "f1_macro", "balanced_accuracy", "mcc"):
            found[metric] = [wrong(metric, cell) for cell in grid(changes)]
        if with_bootstrap:
            for metric in ("recall", "precision", "f1"):
                some = [cell for cell in grid(changes) if cell.base_rate == 0.1]
                found[f"{metric}, BCa bootstrap"] = [wrong_of_bootstrap(metric, cell, draws=1_000) for cell in some]
        for metric, each in found.items():
            worst = [f"{max(side):.1%}" for side in zip(*each, strict=True)]
            lines.append(f"| {metric} | {told} | {len(each)} | {' | '.join(worst)} |")
    return lines


REQUESTS = 200
MARGIN = 0.02
METRICS = ("accuracy", "precision", "recall", "f1")


def requests(rows: int, base_rate: float, *, loss: float) -> tuple[float, float, float]:
    """Models trained anew: 3 % of the positives are broken and 3 % fixed, and as many false positives come and go.

    The shares of them for which a gate is red, for which all pass, and for which a metric is called worse.
    """
    kinds = np.array([0.77 - loss, 0.03 + loss, 0.03, 0.17, 0.17, 0.03 + loss, 0.03, (1 - base_rate) / base_rate - 0.23 - loss])
    drawn = np.random.default_rng(SEED).multinomial(rows, kinds * base_rate / (kinds * base_rate).sum(), size=REQUESTS)
    samples = [confusion.of_kinds(name, LABEL, OLD, NEW, drawn) for name in METRICS]
    at_margin, at_none = (np.array([score.statistic(each, delta=delta) for each in samples]) for delta in (-MARGIN, 0.0))
    red, worse = ((each < -Z_ONE_SIDED).any(axis=0) for each in (at_margin, at_none))
    return float(red.mean()), float((at_margin > Z_ONE_SIDED).all(axis=0).mean()), float(worse.mean())


def requests_table() -> list[str]:
    """Markdown: rules `no_worse` by 2 points of four metrics, on changes that lose nothing and on such that lose 4 points."""
    lines = [
        "| rows | positives | unchanged: gate red | one metric `worse` | 4 points lost: gate red | gate passes | one `worse` |",
        "|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for rows, base in ((500, 0.5), (2_000, 0.1), (2_000, 0.5), (10_000, 0.1), (10_000, 0.5)):
        red, _, worse = requests(rows, base, loss=0.0)
        told = " | ".join(f"{each:.1%}" for each in (red, worse, *requests(rows, base, loss=0.04)))
        lines.append(f"| {rows:,} | {base:.0%} | {told} |")
    return lines


def main() -> None:
    """Print the tables."""
    print("\n".join(limits_table(with_bootstrap="--bootstrap" in sys.argv)), end="\n\n")
    print("\n".join(requests_table()))


if __name__ == "__main__":
    main()
