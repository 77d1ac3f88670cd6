"""Stage `forecast`: the months to come, with their intervals."""

import pandas as pd

from . import columns, files, model


def forecast(forecaster: model.Forecaster, rows: pd.DataFrame) -> pd.DataFrame:
    """One row per month."""
    told = model.predict(forecaster, rows)
    low, high = model.interval(forecaster, rows, told)
    return rows[[columns.MONTH]].assign(forecast=told, low=low, high=high)


if __name__ == "__main__":
    coming = forecast(model.read(files.MODEL), files.read_csv(files.NEXT))
    files.write_csv(files.FORECAST, coming, float_format="%.4f")
