"""What Evidently, scipy and river say of samples: JSON in on standard input, JSON out. Run by the Python that has them."""

from __future__ import annotations

import json
import math
import sys
import warnings
from typing import Any

import numpy as np
import pandas as pd
from evidently.legacy.calculations.stattests import chi_stat_test, psi_stat_test
from evidently.legacy.calculations.stattests.cramer_von_mises_stattest import _cvm_2samp
from evidently.legacy.core import ColumnType
from river.drift import ADWIN
from scipy import special, stats


def of_categories(reference: list[str], current: list[str]) -> dict[str, Any]:
    """PSI and chi-square as Evidently has them, and Pearson's test of two rows by scipy."""
    old, new = pd.Series(reference), pd.Series(current)
    levels = sorted({*reference, *current})
    counts = np.array([[side.count(level) for level in levels] for side in (current, reference)])
    found = stats.chi2_contingency(counts, correction=False)
    return {
        "psi": float(psi_stat_test.func(old, new, ColumnType.Categorical, 0.1)[0]),
        "evidently_chi_pvalue": float(chi_stat_test.func(old, new, ColumnType.Categorical, 0.05)[0]),
        "chi_squared": float(found.statistic),
        "cells": cell_deviances(counts),
    }


def cell_deviances(counts: Any) -> list[float]:
    """The signed roots of the deviance of two Poisson counts, cell by cell, beside the share that all have."""
    new, old = counts.astype(float)
    share, both = new.sum() / counts.sum(), new + old
    deviance = 2 * (special.rel_entr(new, both * share) + special.rel_entr(old, both * (1 - share)))
    return (np.sign(new - both * share) * np.sqrt(deviance)).tolist()


def of_numbers(reference: list[float], current: list[float]) -> dict[str, Any]:
    """PSI in Evidently's own bins, and the statistic of Cramér and von Mises by Evidently and by scipy."""
    old, new = pd.Series(reference), pd.Series(current)
    edges = np.histogram_bin_edges(np.concatenate([old, new]), bins="sturges")
    return {
        "psi": float(psi_stat_test.func(old, new, ColumnType.Numerical, 0.1)[0]),
        "bins": [np.histogram(each, edges)[0].tolist() for each in (old, new)],
        "evidently_cvm": float(_cvm_2samp(np.array(reference), np.array(current)).statistic),
        "scipy_cvm": float(stats.cramervonmises_2samp(reference, current).statistic),
    }


def of_scores(scores: list[float], asked: list[float]) -> dict[str, Any]:
    """The tail of a Gumbel distribution with mean and deviation of scores, and its quantiles."""
    scale = math.sqrt(6 * np.var(scores, ddof=1)) / math.pi
    tail = stats.gumbel_r(np.mean(scores) - np.euler_gamma * scale, scale)
    return {"tails": tail.sf(asked).tolist(), "quantiles": tail.isf([0.05, 1 / 365, 1e-6]).tolist()}


def of_stream(values: list[float]) -> dict[str, Any]:
    """Where ADWIN of river sees changes in a stream."""
    adaptive, changes = ADWIN(), []
    for place, value in enumerate(values):
        adaptive.update(value)
        if adaptive.drift_detected:
            changes.append(place)
    return {"changes": changes}


def main() -> None:
    """Answer for every sample that was asked about."""
    warnings.simplefilter("ignore")
    asked = json.load(sys.stdin)
    kinds = {"categories": of_categories, "numbers": of_numbers, "scores": of_scores}
    found = {name: [answer(*each) for each in asked[name]] for name, answer in kinds.items()}
    found["streams"] = [of_stream(each) for each in asked["streams"]]
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
