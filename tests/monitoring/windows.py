"""Windows as tests of performance need them: two classes with known scores, and labels that may come later."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from mlgit import config
from mlgit.monitoring.truth import Labels, by_id
from mlgit.monitoring.window import Window

UNTIL = "2026-05-03T23:59:00+00:00"


def answered(*, rows: int = 400, seed: int = 0, away: float = 0.0, **more: Any) -> tuple[Window, Any]:
    """A window whose scores are the true chances, and the truth; `away` moves all logits."""
    generator = np.random.default_rng(seed)
    score = 1 / (1 + np.exp(-generator.normal(away, 2, rows)))
    truth = (generator.random(rows) < score).astype(int)
    window = Window(
        "2026-05-03",
        rows,
        {"amount": generator.exponential(100, rows)},
        digest=f"sha256:{seed:08x}",
        since="2026-05-03T00:00:00+00:00",
        until=UNTIL,
        ids=np.array([f"r{each}" for each in range(rows)], dtype=object),
        predictions=(score > 0.5).astype(int),
        scores=score,
    )
    return replace(window, **more), truth


def labels(truth: Any, *, ids: Any = None, lag: int = 0, newest: str = "", **columns: Any) -> Labels:
    """Labels of the rows r0, r1 and so on."""
    names = [f"r{each}" for each in range(len(truth))] if ids is None else ids
    places, kept = by_id(names, truth, path="labels.csv", also=columns)
    return Labels("labels.csv", "label", places, kept, lag, newest)


def declared(**sections: Any) -> config.Config:
    """A configuration that knows a model `churn`."""
    return config.parse({"mlgit": 1, "models": {"churn": {"predictions": "predictions.csv"}}, **sections})
