"""The tables of docs/monitoring.md: how often monitors alarm about nothing, what they find, and when.

`python docs/simulation_monitoring.py` prints them, in about half an hour. The training data are days of so many rows; the day
that is judged is drawn as they are, or changed. Days may differ by themselves, as weekdays and weather do: by 0.1 standard
deviations of a number, and as much in the logarithm of a level's share. Draws and seeds are the same every time.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from mlgit.statistics import batch_scores, batch_test, martingale
from mlgit.statistics.batch_scores import CountTable
from mlgit.statistics.distances import population_stability

DRAWS = 300
YEARS = 30
SEED = 5
CELLS = 32
BATCHES = 40
PER_YEAR = 365
ALPHA = 1 / PER_YEAR
ROWS, EFFECT = 300, 0.1  # of the days of a year
_EDGES = stats.norm.ppf(np.arange(1, CELLS) / CELLS)


@dataclass(frozen=True)
class Model:
    """The columns of a model: so many numbers, and categories with so many levels, the k-th of them 1/k as frequent."""

    numbers: int
    levels: tuple[int, ...]

    @property
    def widths(self) -> list[int]:
        """Cells of each column."""
        return [CELLS] * self.numbers + list(self.levels)

    @property
    def starts(self) -> Any:
        """Where the cells of each column begin."""
        return np.cumsum([0, *self.widths])[:-1]

    def table(self, counts: Any) -> CountTable:
        """Counts as the batch test takes them."""
        return CountTable(counts, self.starts, np.arange(len(self.widths)) < self.numbers)


WIDE = Model(12, (2, 3, 5, 5, 10, 20, 50, 200))
NARROW = Model(4, (5, 20))


def days(model: Model, generator: Any, number: int, *, rows: int, effect: float = 0.0, shift: float = 0.0) -> Any:
    """Counts of so many days, (number, n_cells); `shift` moves the first column of all of them by so many deviations."""
    blocks = []
    for column in range(model.numbers):
        middle = generator.normal(0.0, effect, number) if effect else np.zeros(number)
        middle = middle + (shift if column == 0 else 0.0)
        below = stats.norm.cdf(_EDGES[None, :] - middle[:, None])
        blocks.append(generator.multinomial(rows, np.diff(below, axis=1, prepend=0.0, append=1.0)))
    for levels in model.levels:
        shares = 1 / np.arange(1, levels + 1)
        moved = shares * np.exp(generator.normal(0.0, effect, (number, len(shares)))) if effect else shares[None, :]
        blocks.append(generator.multinomial(rows, moved / moved.sum(axis=1, keepdims=True), size=None if effect else number))
    return np.concatenate(blocks, axis=1)


def scores(model: Model, *counts: Any) -> Any:
    """The scores of batches, as `mlgit monitor run` finds them."""
    table = model.table(np.concatenate([np.atleast_2d(each) for each in counts]))
    return batch_test.combine(batch_scores.against_rest(table)).score


@dataclass(frozen=True, slots=True)
class Case:
    """A day that is judged: its rows, how much days differ by themselves, and how far one column of twenty has moved."""

    rows: int
    effect: float = 0.0
    shift: float = 0.0


CASES = (
    Case(100),
    Case(500),
    Case(5_000),
    Case(50_000),
    Case(500, 0.1),
    Case(5_000, 0.1),
    Case(500, 0.0, 0.2),
    Case(5_000, 0.0, 0.2),
    Case(50_000, 0.0, 0.2),
    Case(500, 0.1, 1.0),
)


def alarms(case: Case, *, draws: int = DRAWS) -> tuple[float, ...]:
    """The share of days that alarm: by PSI in any column, in a third; by any p, with and without Bonferroni; by mlgit."""
    generator = np.random.default_rng([SEED, case.rows, int(100 * case.effect), int(100 * case.shift)])
    found = np.zeros(5)
    for _ in range(draws):
        before = days(WIDE, generator, BATCHES, rows=case.rows, effect=case.effect)
        today = days(WIDE, generator, 1, rows=case.rows, effect=case.effect, shift=case.shift)
        pool = before.sum(axis=0)
        stability = np.array([population_stability(*each) for each in _pairs(pool, today[0])])
        pvalues = np.sort([_pvalue(*each) for each in _pairs(pool, today[0])])
        found += [
            stability.max() > 0.1,
            (stability > 0.1).mean() > 1 / 3,
            pvalues[0] < 0.05,
            pvalues[0] < 0.05 / len(pvalues),
            batch_test.rank_pvalue(scores(WIDE, before, today)) <= 0.05,
        ]
    return tuple((found / draws).tolist())


def _pairs(pool: Any, today: Any) -> list[tuple[Any, Any]]:
    """Both sides of each column."""
    return [
        (pool[start : start + width], today[start : start + width])
        for start, width in zip(WIDE.starts, WIDE.widths, strict=True)
    ]


def _pvalue(pool: Any, today: Any) -> float:
    """Pearson's test of two rows, levels that are rare put together: a correct test, where rows are all that varies."""
    both = np.stack([today, pool])
    is_rare = both.sum(axis=0) * today.sum() / both.sum() < 5
    table = np.concatenate([both[:, ~is_rare], both[:, is_rare].sum(axis=1, keepdims=True)], axis=1)
    table = table[:, table.sum(axis=0) > 0]
    return float(stats.chi2_contingency(table, correction=False).pvalue) if table.shape[1] > 1 else 1.0


@dataclass(frozen=True, slots=True)
class Year:
    """A year of daily windows: the number of `watch` and `page` alarms, and on which day each first came, None for never."""

    watches: int
    pages: int
    first_watch: int | None
    first_page: int | None


def year(batches: int, generator: Any, *, shift: float = 0.0, length: int = PER_YEAR) -> Year:
    """A year with one declared false alarm, every quiet day admitted; a shift holds from the first day on."""
    reference = admitted = days(NARROW, generator, batches, rows=ROWS, effect=EFFECT)
    watches, pvalues = [], []
    for today in days(NARROW, generator, length, rows=ROWS, effect=EFFECT, shift=shift):
        watches.append(is_alarm(scores(NARROW, reference, today)))
        growing = scores(NARROW, admitted, today)
        pvalues.append(batch_test.smoothed_pvalue(growing, uniform=float(generator.random())))
        if not watches[-1]:
            admitted = np.concatenate([admitted, today[None]])
    pages = [value >= martingale.PAGE for value in martingale.running(pvalues)]
    return Year(sum(watches), sum(pages), _first(watches), _first(pages))


def is_alarm(found: Any, *, alpha: float = ALPHA) -> bool:
    """Whether the last of some scores is a `watch`: by rank where there are enough batches, else by a Gumbel tail."""
    if alpha * len(found) >= 1:
        return batch_test.rank_pvalue(found) <= alpha
    return batch_test.tail(found[:-1]).pvalue(float(found[-1])) <= alpha


def _first(alarmed: list[bool]) -> int | None:
    return alarmed.index(True) + 1 if any(alarmed) else None


def years(number: int, batches: int, *, shift: float = 0.0, length: int = PER_YEAR) -> list[Year]:
    """So many years of one kind."""
    generators = (np.random.default_rng([SEED, batches, int(100 * shift), each]) for each in range(number))
    return [year(batches, each, shift=shift, length=length) for each in generators]


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%" if 0 < share < 0.0995 else f"{100 * share:.0f}%"


def print_alarms(draws: int) -> None:
    """How often monitors alarm about a day."""
    tried = "PSI > 0.1, any column | in a third | p < 5 %, any column | p < 5 %, Bonferroni | mlgit at 5 %"
    print(f"| rows a day | days differ by | changed | {tried} |")
    print("|--:|--:|:--|--:|--:|--:|--:|--:|")
    for case in CASES:
        changed = f"one column, +{case.shift:g} sd" if case.shift else "nothing"
        shares = " | ".join(map(_percent, alarms(case, draws=draws)))
        print(f"| {case.rows:,} | {f'{case.effect:g} sd' if case.effect else 'chance'} | {changed} | {shares} |", flush=True)


def print_years(number: int) -> None:
    """What a year brings, by the batches behind it."""
    print("| batches | smallest p by rank | `watch` a quiet year | years with a `page` |")
    print("|--:|--:|--:|--:|")
    for batches in (20, 40, 100):
        found = years(number, batches)
        watches, pages = np.mean([each.watches for each in found]), np.mean([each.pages > 0 for each in found])
        print(f"| {batches} | 1 in {batches + 1} | {watches:.2f} | {_percent(float(pages))} |", flush=True)


def print_delays(number: int) -> None:
    """On which day a change is found."""
    print("| batches | one column moves by | first `watch`, median day | first `page`, median day | no `page` in 60 days |")
    print("|--:|--:|--:|--:|--:|")
    for batches in (20, 40, 100):
        for shift in (0.3, 0.5, 1.0, 2.0):
            found = years(number, batches, shift=shift, length=60)
            never = np.mean([each.first_page is None for each in found])
            told = [_median([each.first_watch for each in found]), _median([each.first_page for each in found])]
            print(f"| {batches} | {shift:g} sd | {' | '.join(told)} | {_percent(float(never))} |", flush=True)


def _median(found: list[int | None]) -> str:
    """Of days, where those that never come are last."""
    ordered = sorted(1_000_000 if each is None else each for each in found)
    middle = ordered[(len(ordered) - 1) // 2]
    return "never" if middle == 1_000_000 else str(middle)


TABLES: dict[str, tuple[Callable[[int], None], int]] = {
    "alarms": (print_alarms, DRAWS),
    "years": (print_years, YEARS),
    "delays": (print_delays, YEARS),
}


def main() -> None:
    """Print all tables, or those that are named; a number is that of the draws."""
    given = sys.argv[1:]
    number = next((int(each) for each in given if each.isdigit()), None)
    for name, (show, usual) in TABLES.items():
        if name in given or not set(given) & TABLES.keys():
            show(number or usual)
            print()


if __name__ == "__main__":
    main()
