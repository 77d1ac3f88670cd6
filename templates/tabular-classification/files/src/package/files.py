"""Where stages leave their outputs (as dvc.yaml declares), and how: same content, same bytes."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

RAW = Path("data/raw.csv")
TRAIN = Path("data/prepared/train.csv")
TEST = Path("data/prepared/test.csv")
MODEL = Path("models/model.skops")
PREDICTIONS = Path("reports/predictions.csv")
METRICS = Path("reports/metrics.json")
ROC = Path("reports/roc.csv")


def read_csv(path: Path) -> pd.DataFrame:
    """Read a table with every number exactly as it was written."""
    return pd.read_csv(path)


def write_csv(path: Path, frame: pd.DataFrame, *, float_format: str | None = None) -> None:
    """Write a table without its index, with LF line ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(path, index=False, float_format=float_format, lineterminator="\n")


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write sorted, indented JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")
