"""Whether a model is to be trained anew: what asks for it, and what holds it back."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from mlgit.monitoring.chain import JudgedWindow
from mlgit.monitoring.retrain_marker import RetrainMarker
from mlgit.monitoring.verdict import MonitoredMetric, MonitorVerdict
from mlgit.monitoring_settings import Triggers
from mlgit.render.text import count, few, number

# The worst first: what is measured outranks what moved, and that what is merely old.
TriggerKind = Literal["metric", "kpi", "drift", "new_rows", "age", "manual"]

# The evidence against "nothing changed" at which a verdict pages.
_CERTAIN = 100
_DRIFTS = ("prediction drift", "feature drift")
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class RowGrowth:
    """The rows of the data now and when the version was trained; None where they cannot be counted, and why."""

    now: int | None = None
    then: int | None = None
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class ClosedRetrain:
    """A retrain pull request that is open no more; without a mark it counts as one about the version of today."""

    number: int
    closed: datetime.datetime
    is_merged: bool = False
    marker: RetrainMarker | None = None


@dataclass(frozen=True, slots=True)
class RetrainFacts:
    """What triggers look at: the version in production, since when there is one, and what was found about it.

    `windows` are those of this version, the oldest first. `metric` is the name of the metric that the gate rule of the
    trigger is about. `open_pull` is the number of the open pull request, 0 for none; `manual` the reason of a person who asks.
    """

    digest: str
    registered: datetime.datetime
    now: datetime.datetime
    windows: Sequence[JudgedWindow] = ()
    metric: str = ""
    growth: RowGrowth | None = None
    open_pull: int = 0
    closed: Sequence[ClosedRetrain] = ()
    manual: str = ""


@dataclass(frozen=True, slots=True)
class FiredTrigger:
    """Something that asks for a new model, and why, in a sentence."""

    kind: TriggerKind
    reason: str


@dataclass(frozen=True, slots=True)
class RetrainDecision:
    """What fired, the worst first; `held` says why nothing is done all the same, `unknown` what could not be told.

    `notes` are worth knowing, and ask for nothing by themselves.
    """

    fired: tuple[FiredTrigger, ...] = ()
    held: str = ""
    unknown: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_due(self) -> bool | None:
        """Whether a retraining is due; None where nothing fired and something could not be told."""
        if self.fired:
            return not self.held
        return None if self.unknown else False

    def document(self) -> dict[str, Any]:
        """The decision as JSON."""
        return {
            "due": self.is_due,
            "triggers": [{"kind": each.kind, "reason": each.reason} for each in self.fired],
            "held": self.held,
            "unknown": list(self.unknown),
            "notes": list(self.notes),
        }


def decide(settings: Triggers, facts: RetrainFacts) -> RetrainDecision:
    """Whether the version in production is to be replaced by one that is trained anew.

    Any trigger will do. What is only estimated asks for nothing; it is told. A person's reason breaks the cool-down, and
    nothing more is opened where a pull request is open already.
    """
    unknown: list[str] = []
    fired = [
        *_measured(settings, facts, unknown),
        *_drift(settings, facts, unknown),
        *_new_rows(settings, facts, unknown),
        *_age(settings, facts),
    ]
    if facts.manual:
        held = f"#{facts.open_pull} is open" if facts.open_pull else ""
        fired.append(FiredTrigger("manual", facts.manual))
    else:
        held = _held(settings, facts)
    return RetrainDecision(tuple(fired), held if fired else "", tuple(unknown), tuple(_estimated(facts)))


def _recent(settings: Triggers, facts: RetrainFacts) -> list[MonitorVerdict]:
    """The windows of the last days of data, as many days as a cool-down has; without times, those since one was quiet.

    Accepted ones are left out; the last one comes first.
    """
    if not facts.windows:
        return []
    newest = _end(facts.windows[-1].verdict)
    begin = newest - timedelta(days=settings.cooldown) if newest else None
    recent: list[JudgedWindow] = []
    for each in reversed(facts.windows):
        end = _end(each.verdict)
        if recent and begin is not None and end is not None and end < begin:
            break
        recent.append(each)
        if (begin is None or end is None) and (each.verdict.verdict == "quiet" or each.acceptance):
            break
    return [each.verdict for each in recent if not each.acceptance]


def _end(verdict: MonitorVerdict) -> datetime.datetime | None:
    try:
        found = datetime.datetime.fromisoformat(verdict.window.until)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)


def _drift(settings: Triggers, facts: RetrainFacts, unknown: list[str]) -> Iterator[FiredTrigger]:
    """An alarm about data that moved. Broken data are to be mended: nothing is learnt from them."""
    if not settings.drift:
        return
    if not facts.windows:
        unknown.append("drift: no window of this version was judged yet; `mlgit monitor run` judges those that come")
        return
    recent = _recent(settings, facts)
    found = next((each for each in recent if _drifts(each, settings.drift)), None)
    if found:
        yield FiredTrigger("drift", f"{found.window.name}: {_words(found)}")
    elif recent and recent[0].contract == "fail":
        unknown.append(f"drift: the data of {recent[0].window.name} break their contract, which comes first")
    elif recent and recent[0].verdict == "cannot_tell":
        unknown.append(f"drift: {recent[0].window.name} could not be judged: {recent[0].reason}")


def _drifts(verdict: MonitorVerdict, level: str) -> bool:
    if verdict.contract == "fail" or verdict.verdict in ("quiet", "cannot_tell"):
        return False
    is_certain = verdict.martingale is not None and verdict.martingale >= _CERTAIN
    if verdict.severity in _DRIFTS:
        return level == "watch" or verdict.verdict == "page"
    # beneath something worse data may have moved as well
    is_rare = verdict.pvalue is not None and verdict.alpha is not None and verdict.pvalue <= verdict.alpha
    return is_certain or (level == "watch" and is_rare)


def _words(verdict: MonitorVerdict) -> str:
    moved = [f"{each.name} ({each.effect})" if each.effect else each.name for each in verdict.columns[:_MOST_NAMED]]
    told = [f"p = {number(verdict.pvalue)}"] if verdict.pvalue is not None else []
    told += [f"most moved: {few(moved)}"] if moved else []
    return "; ".join([verdict.verdict, *told])


def _measured(settings: Triggers, facts: RetrainFacts, unknown: list[str]) -> Iterator[FiredTrigger]:
    """The last time that a metric or KPI was measured: an estimate does not count."""
    asked: list[tuple[Literal["metric", "kpi"], str, str]] = []
    asked += [("metric", settings.metric, facts.metric)] if settings.metric else []
    asked += [("kpi", settings.kpi, settings.kpi)] if settings.kpi else []
    for kind, rule, name in asked:
        found = next(((each, row) for each in reversed(facts.windows) if (row := _of(each, kind, name))), None)
        if found is None:
            unknown.append(f"{kind} {rule}: no window has it measured")
        elif found[1].is_broken and not found[0].acceptance:
            yield FiredTrigger(kind, f"{rule}: {_value(found[1])} in {found[0].verdict.window.name}")


def _of(window: JudgedWindow, kind: str, name: str) -> MonitoredMetric | None:
    rows = (each for each in window.verdict.metrics if not each.is_estimated)
    return next((each for each in rows if each.kind == kind and each.name == name), None)


def _value(row: MonitoredMetric) -> str:
    interval = f" ({number(row.low)} to {number(row.high)})" if row.low is not None and row.high is not None else ""
    before = f", at release {number(row.baseline)}" if row.baseline is not None else ""
    return f"{row.name} {number(row.value)}{interval}{before}"


def _estimated(facts: RetrainFacts) -> Iterator[str]:
    last = facts.windows[-1] if facts.windows else None
    for row in last.verdict.metrics if last else ():
        if last and row.is_estimated and row.is_broken:
            yield f"{last.verdict.window.name}: {_value(row)} is estimated, and triggers nothing alone"


def _new_rows(settings: Triggers, facts: RetrainFacts, unknown: list[str]) -> Iterator[FiredTrigger]:
    if settings.new_rows is None:
        return
    growth = facts.growth or RowGrowth(trouble="no data are known")
    if growth.now is None or growth.then is None:
        unknown.append(f"new_rows: {growth.trouble}")
        return
    more = growth.now - growth.then
    wanted = settings.new_rows * growth.then if settings.is_share else settings.new_rows
    if more > 0 and more >= wanted:
        yield FiredTrigger("new_rows", f"{count(more, 'row')} more than the {growth.then} that it was trained with")


def _age(settings: Triggers, facts: RetrainFacts) -> Iterator[FiredTrigger]:
    days = (facts.now - facts.registered).days
    if settings.age is not None and days >= settings.age:
        yield FiredTrigger("age", f"registered {count(days, 'day')} ago, on {facts.registered:%Y-%m-%d}")


def _held(settings: Triggers, facts: RetrainFacts) -> str:
    """A pull request about this version that was merged, or that people closed, is an answer for as long as the cool-down.

    What mlgit itself closed holds nothing back: it opens none before one is shown to be better.
    """
    for each in facts.closed:
        marker = each.marker
        if marker and (marker.digest != facts.digest or (marker.is_closed_by_mlgit and not each.is_merged)):
            continue
        until = each.closed + timedelta(days=settings.cooldown)
        if not facts.open_pull and facts.now < until:
            what = "merged" if each.is_merged else "closed"
            return (
                f"#{each.number} was {what} on {each.closed:%Y-%m-%d}: quiet until {until:%Y-%m-%d}, or until another "
                "version is in production"
            )
    return ""
