"""The tables of docs/review.md: what rules say of a model that has not changed, and how many rows a proof needs.

`python docs/simulation.py` prints them. One simulated pull request is a draw of the rows that only one of two models has
right; of the same size, shares and seed every time, so the page can be checked against it.
"""

from __future__ import annotations

import functools

import numpy as np

from mlgit.statistics import mcnemar, power, tango

PULL_REQUESTS = 20_000
SEED = 7
DISCORDANT = 0.06  # the share of rows that only one of the two models has right
ACCURACY = 0.90  # of the baseline; only the unpaired test heeds it
MARGIN = 0.01
ALPHA = 0.05
CASES = ((200, 0.0), (1_000, 0.0), (5_000, 0.0), (1_000, -0.02), (1_000, -0.04))
MARGINS = (0.05, 0.02, 0.01, 0.005)
SHARES = (0.02, 0.06, 0.15)
SIZES = (200, 500, 1_000, 2_000, 5_000, 20_000)
SLICES = (2, 5, 20)
GAPS = (0.1, 0.05, 0.02)
Z_ONE_SIDED = 1.6448536269514722


@functools.cache
def paired_test_fails(fixed: int, broken: int) -> bool:
    """McNemar's mid-p, one-sided: is the new model worse at all?"""
    return broken > fixed and mcnemar.midp(fixed, broken) / 2 < ALPHA


@functools.cache
def gate(fixed: int, broken: int, rows: int) -> str:
    """What `kind: no_worse` says: the interval that mlgit uses for accuracy, and its rule."""
    low, high = tango.interval(fixed, broken, rows, confidence=1 - 2 * ALPHA)
    return "pass" if low > -MARGIN else "fail" if high < -MARGIN else "inconclusive"


def unpaired_fails(delta: float, rows: int) -> bool:
    """A test that takes the two sides for different rows."""
    now = ACCURACY + delta
    spread = np.sqrt((ACCURACY * (1 - ACCURACY) + now * (1 - now)) / rows)
    return bool(delta / spread < -Z_ONE_SIDED)


def simulate(rows: int, change: float) -> tuple[float, ...]:
    """Shares of pull requests that are failed by: any drop, a drop over the margin, unpaired, paired; and the gate's three."""
    shares = [(DISCORDANT + change) / 2, (DISCORDANT - change) / 2, 1 - DISCORDANT]
    drawn = np.random.default_rng(SEED).multinomial(rows, shares, size=PULL_REQUESTS)
    found = []
    for fixed, broken, _ in drawn.tolist():
        drop = (broken - fixed) / rows
        said = gate(fixed, broken, rows)
        rules = (drop > 0, drop > MARGIN + 1e-12, unpaired_fails(-drop, rows), paired_test_fails(fixed, broken))
        found.append((*rules, said == "pass", said == "inconclusive", said == "fail"))
    return tuple(np.mean(found, axis=0).tolist())


def percent(share: float) -> str:
    """A share in percent, one digit where it is small."""
    return f"{share:.1%}" if 0 < share < 0.01 else f"{share:.0%}"


def rules_table() -> list[str]:
    """Markdown: how often each rule fails a model."""
    lines = [
        "| rows | true change | any drop fails | a drop over 1 point fails | unpaired test fails | paired test fails "
        "| `no_worse`: pass / inconclusive / fail |",
        "|--:|--:|--:|--:|--:|--:|:--|",
    ]
    for rows, change in CASES:
        *simple, passed, untold, failed = simulate(rows, change)
        told = "none" if not change else f"{change * 100:+.0f} points"
        said = f"{percent(passed)} / {percent(untold)} / {percent(failed)}"
        lines.append(f"| {rows:,} | {told} | {' | '.join(map(percent, simple))} | {said} |")
    return lines


def rows_table() -> list[str]:
    """Markdown: rows to prove an unchanged model no worse, by margin and by the share of rows that tell models apart."""
    lines = [f"| margin | {' | '.join(f'{share:.0%} of rows differ' for share in SHARES)} |", "|--:|--:|--:|--:|"]
    for margin in MARGINS:
        needed = [power.rows_needed(margin, variance=share) for share in SHARES]
        lines.append(f"| {margin * 100:g} points | {' | '.join(f'{each:,}' for each in needed)} |")
    return lines


def margins_table() -> list[str]:
    """Markdown: the smallest margin that a number of rows supports."""
    lines = [f"| rows | {' | '.join(f'{share:.0%} of rows differ' for share in SHARES)} |", "|--:|--:|--:|--:|"]
    for size in SIZES:
        least = [power.smallest_difference(size, variance=share) * 100 for share in SHARES]
        lines.append(f"| {size:,} | {' | '.join(f'{each:.1f} points' for each in least)} |")
    return lines


def gaps_table() -> list[str]:
    """Markdown: rows in every slice to show 4 times in 5 that equal slices, right in 9 of 10 rows, are near each other."""
    lines = [f"| `max` | {' | '.join(f'{slices} slices' for slices in SLICES)} |", "|--:|--:|--:|--:|"]
    for most in GAPS:
        needed = [
            power.rows_needed(most, variance=2 * ACCURACY * (1 - ACCURACY), power=1 - 0.2 / (k * (k - 1))) for k in SLICES
        ]
        lines.append(f"| {most * 100:g} points | {' | '.join(f'{each:,}' for each in needed)} |")
    return lines


def main() -> None:
    """Print the tables."""
    for lines in (rules_table(), rows_table(), margins_table(), gaps_table()):
        print("\n".join(lines), end="\n\n")


if __name__ == "__main__":
    main()
