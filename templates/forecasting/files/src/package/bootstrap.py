"""Intervals for figures of a backtest, whose rows hang together.

A forecast for one month is made at several origins, and what goes wrong in one month goes wrong in
the next: taken for independent, the rows would seem to say far more than they do. So whole blocks
of months are drawn (the circular block bootstrap), each with all of its rows.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from . import columns, parameters

LEVEL = 0.9


def interval(
    rows: pd.DataFrame,
    terms: dict[str, pd.Series],
    figure: Callable[..., np.ndarray],
    *,
    given: parameters.Report,
    seed: int,
) -> tuple[float, float]:
    """The ends of the interval of `figure`, a function of the sums of these terms."""
    month = rows[columns.MONTH]
    sums = pd.DataFrame(terms).groupby(month).sum().to_numpy()
    months = len(sums)
    generator = np.random.default_rng(seed)
    begins = generator.integers(months, size=(given.resamples, -(-months // given.block)))
    drawn = (begins[:, :, None] + np.arange(given.block)) % months
    drawn = drawn.reshape(given.resamples, -1)[:, :months]
    found = figure(*np.moveaxis(sums[drawn].sum(axis=1), -1, 0))
    low, high = np.quantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
