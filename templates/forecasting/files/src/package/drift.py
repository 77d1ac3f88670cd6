"""Stage `drift`: the baseline to beat. Every month is as a year before, and a year's growth more.

The growth is the mean of the last years (`features.drift_years`). A year ahead this is the naive
forecast with drift of the textbooks: the last value, moved on by the mean growth.
"""

import pandas as pd

from . import columns, files


def forecast(rows: pd.DataFrame) -> pd.Series:
    """The forecast of each row."""
    return rows[columns.LAST_YEAR] + rows[columns.GROWTH]


if __name__ == "__main__":
    rows = files.read_csv(files.TEST)
    told = pd.DataFrame({columns.ID: rows[columns.ID], "forecast": forecast(rows)})
    files.write_csv(files.DRIFT, told, float_format="%.6f")
