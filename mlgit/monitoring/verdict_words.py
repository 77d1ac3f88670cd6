"""A verdict in words and numbers, the same on terminals and on pages."""

from __future__ import annotations

from mlgit.monitoring.verdict import PREDICTION, SCORE, ColumnDrift, MonitoredMetric, MonitorVerdict, SmallestShift
from mlgit.render.text import number, span

# What a number is where nothing is known.
NONE = "–"
_EXTRAPOLATED = "~"
# A score in units of what quiet batches vary by: of a quiet window, less is not worth a word.
_NOTEWORTHY = 3.0


def word(verdict: MonitorVerdict) -> str:
    """The verdict itself."""
    return verdict.verdict.replace("_", " ")


def headline(verdict: MonitorVerdict) -> str:
    """What speaks loudest: a broken contract, a metric beyond its limit, else the column that moved most; '' for nothing."""
    if verdict.contract == "fail":
        return "the data contract is broken"
    broken = next((each for each in verdict.metrics if each.is_broken), None)
    if broken:
        return f"{broken.name} {metric_value(broken)}{_at_release(broken)}"
    if verdict.verdict == "cannot_tell":
        return verdict.reason
    answers = [each for each in verdict.columns if each.name in (PREDICTION, SCORE)]
    if verdict.severity == "prediction drift" and answers:
        return moved(max(answers, key=lambda each: each.score))
    if not verdict.columns or (verdict.verdict == "quiet" and verdict.columns[0].score < _NOTEWORTHY):
        return ""
    return moved(verdict.columns[0])


def moved(column: ColumnDrift) -> str:
    """A column with what moved in it."""
    said = "; ".join(part for part in (column.effect, column.note) if part)
    return f"{column.name}: {said}" if said else column.name


def is_extrapolated(verdict: MonitorVerdict) -> bool:
    """Whether the p-value is smaller than the reference batches alone can show."""
    known = verdict.pvalue is not None and verdict.n_batches > 0
    return verdict.is_extrapolated and known and (verdict.pvalue or 0.0) * (verdict.n_batches + 1) < 1


def pvalue(verdict: MonitorVerdict) -> str:
    """The p-value, marked with a ~ where it is smaller than the reference batches alone can show."""
    if verdict.pvalue is None:
        return NONE
    return f"{_EXTRAPOLATED if is_extrapolated(verdict) else ''}{verdict.pvalue:.2g}"


def evidence(verdict: MonitorVerdict) -> str:
    """The martingale in three digits."""
    return NONE if verdict.martingale is None else f"{verdict.martingale:.3g}"


def metric_value(metric: MonitoredMetric) -> str:
    """A value with its interval, and whether it is only estimated."""
    said = number(metric.value)
    if metric.low is not None and metric.high is not None:
        low, high, value = span(metric.low, metric.high, metric.value)
        said = f"{value} ({low} to {high})"
    return f"{said}, estimated" if metric.is_estimated else said


def _at_release(metric: MonitoredMetric) -> str:
    return "" if metric.baseline is None else f", at release {number(metric.baseline)}"


def method(verdict: MonitorVerdict) -> str:
    """How the p-value was found, and where it alarms."""
    parts: list[str] = [verdict.method] if verdict.method else []
    parts += [f"{verdict.n_batches} batches"] if verdict.n_batches else []
    parts += [f"alarms at {number(round(verdict.alpha, 6))}"] if verdict.alpha is not None else []
    parts += ["extrapolated"] if is_extrapolated(verdict) else []
    return ", ".join(parts)


def shift(smallest: SmallestShift) -> str:
    """The smallest changes that would show."""
    parts = [f"a mean that moves by {number(smallest.mean)} sd"] if smallest.mean is not None else []
    parts += [f"{number(100 * smallest.share)} % of the rows at another level"] if smallest.share is not None else []
    return ", ".join(parts)


def period(verdict: MonitorVerdict) -> str:
    """The time of the first and last row, '' where rows have none."""
    window = verdict.window
    return f"{window.since} to {window.until}" if window.since else ""
