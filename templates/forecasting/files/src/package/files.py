"""Where stages leave their outputs (as dvc.yaml declares), and how: same content, same bytes."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from . import columns

RAW = Path("data/raw.csv")
TRAIN = Path("data/features/train.csv")
TEST = Path("data/features/test.csv")
NEXT = Path("data/features/next.csv")
SEASONAL_NAIVE = Path("data/baselines/seasonal_naive.csv")
DRIFT = Path("data/baselines/drift.csv")
MODEL = Path("models/model.skops")
PREDICTIONS = Path("reports/predictions.csv")
METRICS = Path("reports/metrics.json")
HORIZONS = Path("reports/horizons.csv")
LAST_HORIZON = Path("reports/last_horizon.csv")
FORECAST = Path("reports/forecast.csv")


def read_csv(path: Path) -> pd.DataFrame:
    """Read a table with every number exactly as it was written, and months as dates."""
    frame = pd.read_csv(path)
    dates = [name for name in (columns.ORIGIN, columns.MONTH) if name in frame]
    return frame.assign(**{name: pd.to_datetime(frame[name]) for name in dates})


def write_csv(path: Path, frame: pd.DataFrame, *, float_format: str | None = None) -> None:
    """Write a table without its index, with LF line ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(
        path, index=False, float_format=float_format, date_format="%Y-%m-%d", lineterminator="\n"
    )


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write sorted, indented JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")
