"""Stage `seasonal_naive`: the first baseline. Every month is as it was a year before."""

import pandas as pd

from . import columns, files


def forecast(rows: pd.DataFrame) -> pd.Series:
    """The forecast of each row."""
    return rows[columns.LAST_YEAR]


if __name__ == "__main__":
    rows = files.read_csv(files.TEST)
    told = pd.DataFrame({columns.ID: rows[columns.ID], "forecast": forecast(rows)})
    files.write_csv(files.SEASONAL_NAIVE, told, float_format="%.6f")
