"""The table of docs/experiments.md: how often the best of many trials is called better, where none is.

`python docs/simulation_selection.py [DRAWS]` prints it, in a minute or two. All trials are as good as the baseline in truth and
disagree with it on 6 % of the rows, each on rows of its own; in the last column one of them gets 3 points more right. Its own
interval is the paired one at 90 % (5 % a side); the other is what `mlgit exp promote` says. Draws and seeds are the same every
time.
"""

from __future__ import annotations

import sys
from statistics import NormalDist

import numpy as np

from mlgit.statistics import best_of_many

DRAWS = 300
SEED = 7
LEVEL = 0.9
DIFFER = 0.06
BETTER = 0.03
_AT_LEVEL = NormalDist().inv_cdf(1 - (1 - LEVEL) / 2)


def search(rows: int, n_trials: int, generator: np.random.Generator, *, gain: float = 0.0) -> tuple[float, bool, bool, bool]:
    """One search: the gain of its best, whether it is called better by its own interval and by that which heeds the picking,
    and whether it is the one that is better."""
    signs = np.zeros((n_trials, rows))
    for number in range(n_trials):
        up = DIFFER / 2 + (gain / 2 if number == 0 else 0.0)
        drawn = generator.random(rows)
        signs[number] = (drawn < up).astype(float) - (drawn > 1 - (DIFFER - up)).astype(float)
    gains = signs.mean(axis=1)
    best = int(gains.argmax())
    influence = (signs - gains[:, None]) / rows
    own = float(np.sqrt((influence[best] ** 2).sum()))
    judged = best_of_many.judge(gains, influence, chosen=best, confidence_level=LEVEL, seed=SEED, draws=1999)
    heeded = judged is not None and judged.low > 0
    return float(gains[best]), float(gains[best]) - _AT_LEVEL * own > 0, heeded, best == 0


def row(rows: int, n_trials: int, draws: int) -> str:
    """A line of the table."""
    generator = np.random.default_rng([SEED, rows, n_trials])
    none = np.array([search(rows, n_trials, generator)[:3] for _ in range(draws)], dtype=float).mean(axis=0)
    one = np.array([search(rows, n_trials, generator, gain=BETTER) for _ in range(draws)], dtype=float)
    found = (one[:, 2] * one[:, 3]).mean()
    cells = [f"{rows:,}", str(n_trials), f"{100 * none[0]:+.1f} points", f"{none[1]:.0%}", f"{none[2]:.0%}", f"{found:.0%}"]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Print the table."""
    draws = int(sys.argv[1]) if len(sys.argv) > 1 else DRAWS
    heads = ("called better by its own interval", "heeding the picking", "a gain of 3 points is found")
    print(f"| test rows | trials | the best gains | {' | '.join(heads)} |")
    print("|--:|--:|--:|--:|--:|--:|")
    for rows in (200, 1000, 5000):
        for n_trials in (1, 10, 100):
            print(row(rows, n_trials, draws), flush=True)


if __name__ == "__main__":
    main()
