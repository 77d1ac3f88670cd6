"""Verdicts as tests need them: about a model `churn` in `prod`, without a run behind them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mlgit.monitoring import exposition
from mlgit.monitoring.chain import Acceptance, JudgedWindow
from mlgit.monitoring.exposition import MonitoredModel
from mlgit.monitoring.verdict import ColumnDrift, MonitoredMetric, MonitorVerdict, WindowName

QUIET = MonitorVerdict(
    "churn",
    "prod",
    "v1.2.0",
    "sha256:0f",
    WindowName("2026-05-03", "sha256:ab", 312, "2026-05-03T00:00:04Z", "2026-05-03T23:59:00Z"),
    "quiet",
    pvalue=0.4,
    alpha=0.0027,
    method="gumbel",
    is_extrapolated=True,
    n_batches=40,
    martingale=0.7,
    columns=(ColumnDrift("amount", 1.5, 0.2), ColumnDrift("currency", 0.25)),
    contract="pass",
    metrics=(MonitoredMetric("roc_auc", 0.81, 0.78, 0.84, n=290, baseline=0.82),),
)
BROKEN = MonitoredMetric("roc_auc", 0.61, 0.58, 0.64, n=290, baseline=0.82, is_broken=True)
ESTIMATED = replace(BROKEN, is_estimated=True)


def verdict(word: str = "quiet", **changes: Any) -> MonitorVerdict:
    """The quiet verdict with another word, and other fields."""
    return replace(QUIET, verdict=word, **changes)


def watched(word: str = "quiet", *, is_accepted: bool = False, last_run: float | None = 1_777_860_000.0, **changes: Any) -> Any:
    """A monitored model about whose last window that verdict was found."""
    found = verdict(word, **changes)
    alarm = exposition.standing([judged(found, is_accepted=is_accepted)])
    return MonitoredModel(found, is_accepted, last_run, 86_400.0, {"quiet": 11, word: 3}, alarm)


def judged(found: MonitorVerdict, *, is_accepted: bool = False) -> JudgedWindow:
    """A verdict as it stands on a timeline."""
    word = Acceptance(found.window.digest, found.model_digest, found.window.name, "a campaign")
    return JudgedWindow(found, word if is_accepted else None)


def window_of(day: int, word: str = "quiet", *, rows: int = 300, **changes: Any) -> MonitorVerdict:
    """A verdict about a day of May."""
    date = f"2026-05-{day:02}"
    window = WindowName(date, f"sha256:{day:064x}", rows, f"{date}T00:00:04Z", f"{date}T23:59:00Z")
    return verdict(word, window=window, **changes)
