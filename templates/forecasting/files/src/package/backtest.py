"""Stage `backtest`: what the model would have said at every month since the test began.

The origin rolls on month by month; the model learned only from what was known before the first.
"""

import pandas as pd

from . import columns, files, model


def predict(
    forecaster: model.Forecaster, rows: pd.DataFrame, **baselines: pd.DataFrame
) -> pd.DataFrame:
    """One row per forecast: keys, truth, forecast with its interval, and the baselines.

    `drift_missed` is what the drift was off by, and `added` what the model adds to the drift. Their
    difference is the error of the forecast, and the R² of one for the other is how much of what the
    drift misses the model explains: below 0 it had better be left out.
    """
    told = rows[[*columns.KEYS, columns.ACTUAL]].copy()
    told["forecast"] = model.predict(forecaster, rows)
    told["low"], told["high"] = model.interval(forecaster, rows, told["forecast"])
    for name, baseline in baselines.items():
        renamed = baseline.rename(columns={"forecast": name})
        told = told.merge(renamed, on=columns.ID, how="left", validate="one_to_one")
    told["drift_missed"] = told[columns.ACTUAL] - told["drift"]
    told["added"] = told["forecast"] - told["drift"]
    return told


if __name__ == "__main__":
    predicted = predict(
        model.read(files.MODEL),
        files.read_csv(files.TEST),
        seasonal_naive=files.read_csv(files.SEASONAL_NAIVE),
        drift=files.read_csv(files.DRIFT),
    )
    files.write_csv(files.PREDICTIONS, predicted, float_format="%.6f")
