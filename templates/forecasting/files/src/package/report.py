"""Stage `report`: how good the forecasts are, by horizon and beside the baselines."""

import pandas as pd

from . import bootstrap, columns, files, parameters


def errors(predicted: pd.DataFrame) -> pd.DataFrame:
    """How far the model and the baselines are off in each row, and whether the interval held."""
    actual = predicted[columns.ACTUAL]
    names = {"model": "forecast", "drift": "drift", "seasonal_naive": "seasonal_naive"}
    off = {name: abs(predicted[column] - actual) for name, column in names.items()}
    held = actual.between(predicted["low"], predicted["high"]).astype(float)
    return predicted[[columns.MONTH, columns.HORIZON]].assign(**off, held=held, one=1.0)


def skill(off: pd.DataFrame, given: parameters.Report, *, seed: int) -> dict[str, float]:
    """How much smaller than that of the drift the mean absolute error is: 0 for none, 1 for all."""
    low, high = bootstrap.interval(
        off, {"model": off["model"], "drift": off["drift"]}, _less, given=given, seed=seed
    )
    told = _less(off["model"].sum(), off["drift"].sum())
    return {"skill": told, "skill_low": low, "skill_high": high}


def _less(model, drift):
    return 1 - model / drift


def coverage(off: pd.DataFrame, given: parameters.Report, *, seed: int) -> dict[str, float]:
    """The share of rows whose interval held the truth."""
    low, high = bootstrap.interval(
        off, {"held": off["held"], "one": off["one"]}, _share, given=given, seed=seed
    )
    return {"coverage": off["held"].mean(), "coverage_low": low, "coverage_high": high}


def _share(held, rows):
    return held / rows


def by_horizon(off: pd.DataFrame, given: parameters.Report, *, seed: int) -> pd.DataFrame:
    """A row per horizon: mean absolute errors, skill with its interval, coverage."""
    found = []
    for horizon, part in off.groupby(columns.HORIZON):
        found.append(
            {
                columns.HORIZON: horizon,
                "model": part["model"].mean(),
                "drift": part["drift"].mean(),
                "seasonal_naive": part["seasonal_naive"].mean(),
                **skill(part, given, seed=seed),
                **coverage(part, given, seed=seed),
            }
        )
    return pd.DataFrame(found)


def measure(
    predicted: pd.DataFrame, learned: pd.DataFrame, given: parameters.Report, *, seed: int
) -> dict:
    """The metrics, rounded to what is the same on every machine.

    `mase` counts errors in those that the seasonal naive forecast makes in the rows learned from.
    """
    off = errors(predicted)
    missed, rest = predicted["drift_missed"], predicted["drift_missed"] - predicted["added"]
    furthest = off[off[columns.HORIZON] == off[columns.HORIZON].max()]
    at_most = learned[learned[columns.HORIZON] == learned[columns.HORIZON].max()]
    scale = abs(at_most[columns.ACTUAL] - at_most[columns.LAST_YEAR]).mean()
    found = {
        "mae": off["model"].mean(),
        "rmse": (rest**2).mean() ** 0.5,
        "r2": 1 - (rest**2).mean() / missed.var(ddof=0),
        "mase": off["model"].mean() / scale,
        "interval_width": (predicted["high"] - predicted["low"]).mean(),
        **coverage(off, given, seed=seed),
        "last_horizon": {"mae": furthest["model"].mean(), **skill(furthest, given, seed=seed)},
        "baselines": {name: {"mae": off[name].mean()} for name in ("drift", "seasonal_naive")},
    }
    return _rounded(found)


def _rounded(value):
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    return round(float(value), 6)


def at_last_horizon(predicted: pd.DataFrame) -> pd.DataFrame:
    """The forecasts that were made longest before, month by month beside what came."""
    furthest = predicted[predicted[columns.HORIZON] == predicted[columns.HORIZON].max()]
    month = furthest[columns.MONTH].dt
    return pd.DataFrame(
        {
            columns.MONTH: furthest[columns.MONTH],
            "year": month.year + (month.month - 1) / 12,
            columns.ACTUAL: furthest[columns.ACTUAL],
            "forecast": furthest["forecast"],
            "low": furthest["low"],
            "high": furthest["high"],
            "model_missed": furthest[columns.ACTUAL] - furthest["forecast"],
            "drift_missed": furthest["drift_missed"],
        }
    )


if __name__ == "__main__":
    given = parameters.read()
    predicted = files.read_csv(files.PREDICTIONS)
    measured = measure(predicted, files.read_csv(files.TRAIN), given.report, seed=given.seed)
    horizons = by_horizon(errors(predicted), given.report, seed=given.seed)
    files.write_json(files.METRICS, measured)
    files.write_csv(files.HORIZONS, horizons, float_format="%.6f")
    files.write_csv(files.LAST_HORIZON, at_last_horizon(predicted), float_format="%.4f")
