"""What Prometheus is told about released models, in its text format: the last window that was judged, and what became of it."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import get_args

from mlgit.errors import MlgitError
from mlgit.monitoring.chain import JudgedWindow
from mlgit.monitoring.verdict import ContractState, MonitoredMetric, MonitorVerdict, Severity, VerdictWord

# A verdict about more of them is rare, and each is a series that Prometheus keeps.
MOST_COLUMNS = 1000
OWN_LABELS = frozenset(
    {"model", "environment", "version", "digest", "verdict", "state", "severity", "column", "metric", "kind", "estimated"}
)
# What Prometheus adds by itself: a label of these names would be renamed.
_ADDED_LABELS = {"job", "instance"}
_ESCAPED = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})

# The worst first.
_ALARMS = ("page", "watch")
_DRIFTS = ("prediction drift", "feature drift", "")

Labels = Mapping[str, str]
Sample = tuple[Labels, float]


@dataclass(frozen=True, slots=True)
class MonitoredModel:
    """A model in an environment: the verdict about its last window, and whether somebody accepted that window.

    `last_run` is when it was looked last, in seconds since 1970, None where nobody knows; `period` are the seconds that a
    window covers, None where windows have no fixed time. `windows` are all that were judged, by verdict. `alarm` is what
    `standing` says.
    """

    verdict: MonitorVerdict
    is_accepted: bool = False
    last_run: float | None = None
    period: float | None = None
    windows: Mapping[str, int] = field(default_factory=dict)
    alarm: str = ""


# Every metric that may be written, with what it says: dashboards and alerts ask for no others.
METRICS: Mapping[str, str] = {
    "mlgit_monitor_info": "Which version is watched: always 1.",
    "mlgit_monitor_verdict": "1 for the verdict about the last window, 0 for the others.",
    "mlgit_monitor_severity": "1 for what alarmed in the last window, 0 for the others.",
    "mlgit_monitor_contract": "1 for what became of the data contract in the last window, 0 for the others.",
    "mlgit_monitor_window_accepted": "1 where somebody accepted the last window with a reason.",
    "mlgit_monitor_window_rows": "Rows of the last window.",
    "mlgit_monitor_window_start_timestamp_seconds": "Time of the first row of the last window.",
    "mlgit_monitor_window_end_timestamp_seconds": "Time of the last row of the last window.",
    "mlgit_monitor_window_period_seconds": "The time that a window covers, as it is declared.",
    "mlgit_monitor_windows": "Windows that were judged, by verdict.",
    "mlgit_monitor_last_run_timestamp_seconds": "When it was looked for new windows last.",
    "mlgit_monitor_martingale": "Evidence that has gathered against nothing having changed: 100 pages.",
    "mlgit_monitor_reference_batches": "Batches of the training data that stand behind the p-value.",
    "mlgit_drift_alarm": "1 for the worst that drift was, since the last window that was quiet or accepted.",
    "mlgit_drift_pvalue": "How often a quiet window is as far from the training data as the last one.",
    "mlgit_drift_alpha": "The share of quiet windows that may alarm, by the declared false alarms.",
    "mlgit_drift_extrapolated": "1 where the p-value is smaller than the reference batches alone can show.",
    "mlgit_drift_score_ratio": "How far a column is from the training data, in units of what quiet batches vary by.",
    "mlgit_drift_column_pvalue": "The p-value of one column, where the method gives one.",
    "mlgit_monitored_metric": "A metric or KPI of the last window.",
    "mlgit_monitored_metric_low": "The lower end of its interval.",
    "mlgit_monitored_metric_high": "The upper end of its interval.",
    "mlgit_monitored_metric_baseline": "The same at release.",
    "mlgit_monitored_metric_rows": "Rows behind it.",
    "mlgit_monitored_metric_broken": "1 where its interval is beyond what is allowed.",
}


def render(models: Iterable[MonitoredModel], *, labels: Labels | None = None) -> str:
    """The text that node_exporter and the Pushgateway take. `labels` are added to every sample."""
    samples: dict[str, dict[str, float]] = {name: {} for name in METRICS}
    for model in models:
        own = {"model": model.verdict.model, "environment": model.verdict.environment, **(labels or {})}
        for name, more, value in _samples(model):
            # One series twice, and Prometheus takes none of the file.
            samples[name].setdefault(_series(name, {**own, **more}), value)
    return "".join(_family(name, found) for name, found in samples.items() if found)


def standing(windows: Sequence[JudgedWindow]) -> str:
    """The worst alarm about drift that nothing has ended: page, watch, or ''.

    The evidence begins anew when it pages, so the window after that is at most a `watch`: it takes a quiet window of the same
    version, or a person who accepts, to end an alarm. `windows` are a timeline, the latest last.
    """
    found: set[str] = set()
    for each in reversed(windows):
        verdict = each.verdict
        if each.is_admitted or verdict.model_digest != windows[-1].verdict.model_digest:
            break
        # where a metric is broken too, `page` still says that data have drifted; a broken contract says nothing of that
        is_drift = verdict.severity in _DRIFTS or (verdict.verdict == "page" and verdict.severity != "contract")
        found |= {verdict.verdict} if is_drift else set()
    return next((each for each in _ALARMS if each in found), "")


def check_labels(given: Iterable[str]) -> dict[str, str]:
    """Labels as they are typed, NAME=VALUE. Raises MlgitError for one that Prometheus or this text has no place for."""
    found: dict[str, str] = {}
    for each in given:
        name, sign, value = each.partition("=")
        if not sign or not re.fullmatch(r"(?!__)[A-Za-z_][A-Za-z0-9_]*", name):
            raise MlgitError(f"'{each}' is not a label", "write NAME=VALUE; a name has letters, digits and `_`, as team=growth")
        if name in OWN_LABELS | _ADDED_LABELS or name in found:
            raise MlgitError(f"'{each}': the label {name} is there already", "take another name, as team=growth")
        if not value:
            raise MlgitError(f"'{each}': a label without a value is none", "write NAME=VALUE, as team=growth")
        found[name] = value
    return found


def _samples(model: MonitoredModel) -> Iterator[tuple[str, Labels, float]]:
    for name, samples in _by_name(model):
        yield from ((f"mlgit_{name}", labels, number) for labels, value in samples if (number := _number(value)) is not None)


def _by_name(model: MonitoredModel) -> Iterator[tuple[str, Sequence[tuple[Labels, object]]]]:
    verdict, window = model.verdict, model.verdict.window
    yield "monitor_info", [({"version": verdict.version, "digest": verdict.model_digest}, 1)]
    yield "monitor_verdict", _state("verdict", verdict.verdict, get_args(VerdictWord))
    yield "monitor_severity", _state("severity", verdict.severity, [each for each in get_args(Severity) if each])
    yield "monitor_contract", _state("state", verdict.contract, get_args(ContractState))
    yield "monitor_window_accepted", [({}, model.is_accepted)]
    yield "monitor_window_rows", [({}, window.rows)]
    yield "monitor_window_start_timestamp_seconds", [({}, _moment(window.since))]
    yield "monitor_window_end_timestamp_seconds", [({}, _moment(window.until))]
    yield "monitor_window_period_seconds", [({}, model.period)]
    yield "monitor_windows", [({"verdict": each}, model.windows.get(each, 0)) for each in get_args(VerdictWord)]
    yield "monitor_last_run_timestamp_seconds", [({}, model.last_run)]
    yield "monitor_martingale", [({}, verdict.martingale)]
    yield "monitor_reference_batches", [({}, verdict.n_batches)]
    yield "drift_alarm", _state("verdict", model.alarm, _ALARMS)
    yield "drift_pvalue", [({}, verdict.pvalue)]
    yield "drift_alpha", [({}, verdict.alpha)]
    yield "drift_extrapolated", [({}, verdict.is_extrapolated)]
    furthest = sorted(verdict.columns, key=lambda column: -(_number(column.score) or 0.0))[:MOST_COLUMNS]
    yield "drift_score_ratio", [({"column": each.name}, each.score) for each in furthest]
    yield "drift_column_pvalue", [({"column": each.name}, each.pvalue) for each in furthest]
    for metric in verdict.metrics:
        yield from _of_metric(metric)


def _of_metric(metric: MonitoredMetric) -> Iterator[tuple[str, Sequence[tuple[Labels, object]]]]:
    labels = {"metric": metric.name, "kind": metric.kind, "estimated": "true" if metric.is_estimated else "false"}
    parts = {
        "": metric.value,
        "_low": metric.low,
        "_high": metric.high,
        "_baseline": metric.baseline,
        "_rows": metric.n,
        "_broken": metric.is_broken,
    }
    yield from ((f"monitored_metric{part}", [(labels, value)]) for part, value in parts.items())


def _state(label: str, found: str, possible: Sequence[str]) -> list[tuple[Labels, object]]:
    """One sample for each state that there may be: a series that ends tells nobody that it is over."""
    return [({label: each}, each == found) for each in possible]


def _number(value: object) -> float | None:
    """None for what is no number: a verdict that somebody else pushed may hold anything."""
    if not isinstance(value, bool | int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _moment(text: str) -> float | None:
    """A time in ISO 8601 as seconds since 1970; None for what is none."""
    try:
        found = datetime.datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=datetime.UTC)).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def _family(name: str, samples: Mapping[str, float]) -> str:
    lines = [f"# HELP {name} {METRICS[name]}", f"# TYPE {name} gauge"]
    return "\n".join([*lines, *(f"{series} {_written(value)}" for series, value in samples.items()), ""])


def _series(name: str, labels: Labels) -> str:
    inner = ",".join(f'{key}="{_escaped(value)}"' for key, value in labels.items())
    return f"{name}{{{inner}}}"


def _escaped(value: object) -> str:
    """A label's value. Half of a surrogate pair, which JSON can hold, is no text of UTF-8."""
    return str(value).translate(_ESCAPED).encode("utf-8", "replace").decode()


def _written(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
