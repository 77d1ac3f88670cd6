"""Stage `train`: learn what the drift misses, and how far forecasts are off."""

import numpy as np
import pandas as pd

from . import columns, drift, files, model, parameters


def train(
    rows: pd.DataFrame, given: parameters.Train, intervals: parameters.Intervals, *, seed: int
) -> model.Forecaster:
    """The model that these rows and parameters make."""
    regressor = _learn(rows, given, seed)
    return model.Forecaster(regressor, widths(rows, given, intervals, seed=seed))


def _learn(rows: pd.DataFrame, given: parameters.Train, seed: int) -> model.Regressor:
    """Trees cannot go on with a trend, so they learn what is left when the drift is taken away."""
    missed = rows[columns.ACTUAL] - drift.forecast(rows)
    return model.fit(model.build(given, seed=seed), rows, missed)


def folds(rows: pd.DataFrame, number: int) -> list[tuple[pd.DataFrame, pd.DataFrame]]:
    """Parts of the rows by their time, each with the rows a gap away from it on both sides."""
    origins = pd.DatetimeIndex(rows[columns.ORIGIN].unique()).sort_values()
    gap = pd.DateOffset(months=int(rows[columns.HORIZON].max()))
    found = []
    for part in np.array_split(origins, number):
        origin = rows[columns.ORIGIN]
        is_held = (origin >= part[0]) & (origin <= part[-1])
        is_far = (origin <= part[0] - gap) | (origin >= part[-1] + gap)
        found.append((rows[is_far], rows[is_held]))
    return found


def widths(
    rows: pd.DataFrame, given: parameters.Train, intervals: parameters.Intervals, *, seed: int
) -> np.ndarray:
    """How far an interval reaches from the forecast, by horizon.

    So far that, of forecasts for parts of the past by models that had not seen them, the promised
    share was no further away (cross-conformal).
    """
    off = []
    for others, held in folds(rows, intervals.folds):
        told = model.predict(model.Forecaster(_learn(others, given, seed), None), held)
        off.append(pd.DataFrame({"off": abs(held[columns.ACTUAL] - told), "h": held["horizon"]}))
    by_horizon = pd.concat(off).groupby("h")["off"]
    return by_horizon.quantile(intervals.level, interpolation="higher").to_numpy()


if __name__ == "__main__":
    given = parameters.read()
    trained = train(files.read_csv(files.TRAIN), given.train, given.intervals, seed=given.seed)
    model.save(files.MODEL, trained)
