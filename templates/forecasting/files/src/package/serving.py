"""What answers requests: `mlgit serve --predictor` makes one object, and asks it for forecasts."""

from pathlib import Path

import pandas as pd

from . import columns, model


class Forecast:
    """The released model: a row of a request is a month to forecast, as in the backtest."""

    columns = (*columns.FEATURES, columns.LAST_YEAR, columns.GROWTH)

    def __init__(self, path: str) -> None:
        self.forecaster = model.read(Path(path))

    def predict(self, rows: pd.DataFrame) -> pd.Series:
        """The forecasts."""
        return model.predict(self.forecaster, rows)
