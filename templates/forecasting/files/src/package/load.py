"""Stage `load`: the raw series, one row a month.

Carbon dioxide in the air over Mauna Loa, 1958 to 2001, as it comes with statsmodels. To work on a
series of your own, let this stage fetch it, or delete the stage and track the file with `dvc add`.
"""

import importlib.resources

import pandas as pd

from . import columns, files


def load() -> pd.DataFrame:
    """The mean of the weekly values of every month, in ppm; empty for a month without any."""
    with (importlib.resources.files("statsmodels") / "datasets/co2/co2.csv").open() as source:
        weekly = pd.read_csv(source, dtype={"date": str})
    days = pd.to_datetime(weekly["date"], format="%Y%m%d")
    monthly = weekly["co2"].set_axis(days).resample("MS").mean().round(4)
    return pd.DataFrame({columns.MONTH: monthly.index, columns.VALUE: monthly.to_numpy()})


if __name__ == "__main__":
    files.write_csv(files.RAW, load())
