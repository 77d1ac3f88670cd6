"""`python -m benchmarks.statistics`: how long a comparison of two sets of predictions takes on one core, and its memory."""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import resource
import time

import numpy as np

from mlgit.statistics.comparison import ComparisonOptions, compare
from mlgit.statistics.predictions import Predictions

NAMES = ("accuracy", "f1", "recall", "roc_auc", "log_loss", "average_precision", "rmse")
FIVE = NAMES[:5]


def made(number: int) -> tuple[Predictions, Predictions]:
    """Two models right in 90 % of the rows, that differ in about 6 %."""
    generator = np.random.default_rng(1)
    label = generator.integers(0, 2, number)
    sides = []
    for _ in range(2):
        wrong = generator.random(number) < 0.03
        score = 1 / (1 + np.exp(1.3 - 2.6 * label - generator.normal(size=number)))
        sides.append(Predictions(label, np.where(wrong, 1 - label, label), score))
    return sides[0], sides[1]


def main() -> None:
    """Print one line per size and metric, and the sum over the five metrics of the target."""
    compare("roc_auc", *made(100))
    for number in (10_000, 1_000_000):
        pair, total = made(number), 0.0
        for name in NAMES:
            began = time.perf_counter()
            found = compare(name, *pair, question=ComparisonOptions(margin=0.01, better="higher"))
            took = time.perf_counter() - began
            total += took if name in FIVE else 0
            print(f"{number:>9,} rows  {name:<18} {took:8.3f} s  {found.method}")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{number:>9,} rows  five metrics       {total:8.3f} s  peak {peak:.0f} MiB (9,999 resamples)")


if __name__ == "__main__":
    main()
