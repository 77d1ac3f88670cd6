"""Stage `features`: a row for every forecast to make, with nothing in it that came later.

At every month (the origin) the next months are forecast, and all that a row holds of the series
but `actual`, the answer, was known at its origin. tests/test_features.py changes the future and
looks whether the past moves: do not trust a feature that is not tested so.
"""

import numpy as np
import pandas as pd

from . import columns, files, parameters

YEAR = 12
# So many months have to be known before the first forecast is made.
FIRST = 3 * YEAR


def complete(values: np.ndarray) -> np.ndarray:
    """The series without holes: filled from the months before, and never by what came after."""
    found = values.astype(float).copy()
    for place in np.flatnonzero(np.isnan(found)):
        found[place] = found[place - 1]
        if place > YEAR:
            found[place] += found[place - YEAR] - found[place - YEAR - 1]
    return found


def table(raw: pd.DataFrame, given: parameters.Features) -> pd.DataFrame:
    """All rows, those included whose month is still to come; their answer is empty."""
    values = complete(raw[columns.VALUE].to_numpy())
    origins, horizons = np.divmod(
        np.arange(FIRST * given.horizon, len(values) * given.horizon), given.horizon
    )
    horizons += 1
    targets = origins + horizons
    answers = np.append(raw[columns.VALUE].to_numpy(), np.full(given.horizon, np.nan))
    months = pd.date_range(raw[columns.MONTH].iloc[0], periods=len(answers), freq="MS")
    known = _known(values, given.drift_years)
    growth = known["growth"][origins]
    rows = {
        columns.ID: [f"{months[o]:%Y-%m}+{h}" for o, h in zip(origins, horizons, strict=True)],
        columns.ORIGIN: months[origins],
        columns.MONTH: months[targets],
        columns.HORIZON: horizons,
        "calendar_month": months[targets].month,
        columns.LAST_YEAR: values[targets - YEAR],
        columns.GROWTH: growth,
        "excess_now": known["over_a_year"][origins] - growth,
        "excess_quarter": known["over_a_year_mean_3"][origins] - growth,
        "excess_year": known["over_a_year_mean_12"][origins] - growth,
        "excess_of_month": known["over_a_year"][targets - YEAR] - growth,
        columns.ACTUAL: answers[targets],
    }
    return pd.DataFrame(rows)


def _known(values: np.ndarray, drift_years: int) -> dict[str, np.ndarray]:
    """What is known of growth at each month, per year."""
    series = pd.Series(values)
    over_a_year = series - series.shift(YEAR)
    mean = series.rolling(YEAR).mean()
    # the growth of the yearly mean over the last years, of as many as there are
    growth = pd.Series(np.nan, index=series.index)
    for years in range(1, drift_years + 1):
        growth = ((mean - mean.shift(years * YEAR)) / years).fillna(growth)
    return {
        "growth": growth.to_numpy(),
        "over_a_year": over_a_year.to_numpy(),
        "over_a_year_mean_3": over_a_year.rolling(3).mean().to_numpy(),
        "over_a_year_mean_12": over_a_year.rolling(YEAR).mean().to_numpy(),
    }


def split(
    rows: pd.DataFrame, given: parameters.Features
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Rows to learn from, to be judged by, and of the last origin, whose months are to come.

    Between the last origin to learn from and the first of the test lies a gap as long as the
    horizon: at the first test origin every answer that was learned is known.
    """
    test_from = pd.Timestamp(f"{given.test_from}-01")
    last = test_from - pd.DateOffset(months=given.horizon)
    origin, is_known = rows[columns.ORIGIN], rows[columns.ACTUAL].notna()
    train, test = rows[(origin <= last) & is_known], rows[(origin >= test_from) & is_known]
    if train.empty or test.empty:
        raise ValueError(f"features: test_from: {given.test_from} leaves nothing on one side of it")
    return train, test, rows[origin == origin.max()].drop(columns=columns.ACTUAL)


if __name__ == "__main__":
    given = parameters.read()
    rows = table(files.read_csv(files.RAW), given.features)
    train, test, ahead = split(rows, given.features)
    files.write_csv(files.TRAIN, train, float_format="%.6f")
    files.write_csv(files.TEST, test, float_format="%.6f")
    files.write_csv(files.NEXT, ahead, float_format="%.6f")
