"""The model: how it is built, how it forecasts, and how it is kept in a file."""

import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import skops.io
from sklearn.ensemble import HistGradientBoostingRegressor as Regressor
from threadpoolctl import threadpool_limits

from . import columns, drift
from .parameters import Train

_EPOCH = (1980, 1, 1, 0, 0, 0)
# skops asks before it reads trees, because a forged file could make one that crashes the reader.
_TREES = "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"


@dataclass(frozen=True)
class Forecaster:
    """What adds to the drift, and how far the intervals reach from the forecast, by horizon."""

    regressor: Regressor
    widths: np.ndarray


def build(given: Train, *, seed: int) -> Regressor:
    """The untrained model. It is judged by absolute errors, so these are what it makes small."""
    return Regressor(
        loss="absolute_error",
        max_iter=given.max_iter,
        learning_rate=given.learning_rate,
        max_leaf_nodes=given.max_leaf_nodes,
        min_samples_leaf=given.min_samples_leaf,
        early_stopping=False,
        random_state=seed,
    )


def fit(regressor: Regressor, rows: pd.DataFrame, answers: pd.Series) -> Regressor:
    """Train it, in one thread: sums come out the same on every run, and so few rows are no work."""
    with threadpool_limits(1):
        return regressor.fit(rows[list(columns.FEATURES)], answers)


def predict(forecaster: Forecaster, rows: pd.DataFrame) -> pd.Series:
    """The forecast of each row: the drift, and what the model adds to it."""
    with threadpool_limits(1):
        added = forecaster.regressor.predict(rows[list(columns.FEATURES)])
    return drift.forecast(rows) + added


def interval(
    forecaster: Forecaster, rows: pd.DataFrame, forecast: pd.Series
) -> tuple[pd.Series, pd.Series]:
    """The lower and the upper end for each row."""
    width = forecaster.widths[rows[columns.HORIZON] - 1]
    return forecast - width, forecast + width


def save(path: Path, forecaster: Forecaster) -> None:
    """Write the model as skops: no code in it, and the same bytes for the same model."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"regressor": forecaster.regressor, "widths": forecaster.widths}
    path.write_bytes(_same_bytes(skops.io.dumps(content)))


def read(path: Path) -> Forecaster:
    """Read a model; skops refuses whatever is not a known type of scikit-learn or numpy."""
    return Forecaster(**skops.io.load(path, trusted=[_TREES]))


def _same_bytes(archive: bytes) -> bytes:
    """Replace what differs from run to run in skops' archive: memory addresses and the clock."""
    source = zipfile.ZipFile(io.BytesIO(archive))
    schema = source.read("schema.json").decode()
    numbers: dict[str, str] = {}

    def renumber(match: re.Match[str]) -> str:
        return match[1] + numbers.setdefault(match[2], str(len(numbers) + 1))

    # Objects are numbered, and arrays' files named, by address: count them instead.
    schema = re.sub(r'("__id__": |"file": ")(\d+)(?![\w-])', renumber, schema)
    entries = {"schema.json": schema.encode()}
    for name in source.namelist():
        if name != "schema.json":
            address, dot, ending = name.partition(".")
            entries[numbers.get(address, address) + dot + ending] = source.read(name)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as output:
        for name in sorted(entries):
            output.writestr(zipfile.ZipInfo(name, _EPOCH), entries[name])
    return target.getvalue()
