"""A review, a diff and what ran, put together as a report."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from mlgit.diff import wording
from mlgit.diff.diff import DataChange, Diff, MetricChange, ParameterChange, StageChange
from mlgit.evaluation.results import MetricResult
from mlgit.gate.review import Review
from mlgit.model_settings import is_pattern
from mlgit.render.text import few
from mlgit.report.codec import MAX_NUMBER
from mlgit.report.document import Fact, Failure, Parameter, PickedTrial, Plot, Report, Run, Side, StageRun, State
from mlgit.revision import recorded_paths
from mlgit.tables.drift import TableDrift

# What a program sends to a terminal for colour, or to move about; nothing in a log.
_COLOUR = re.compile("\x1b\\[[0-?]*[ -/]*[@-~]")


@dataclass(frozen=True, slots=True)
class Context:
    """What a report says of itself: whose it is, and from which run."""

    mlgit: str = ""
    key: str = "default"
    head: Side = field(default_factory=Side)
    run: Run = field(default_factory=Run)
    is_self_reported: bool = False


def report(
    context: Context,
    *,
    review: Review | None = None,
    diff: Diff | None = None,
    stages: Sequence[StageRun] = (),
    failure: Failure | None = None,
    card: Sequence[str] = (),
    plots: Sequence[Plot] = (),
    trials: Sequence[PickedTrial] = (),
    notes: Iterable[str] = (),
) -> Report:
    """The report on a change. Without a review nothing was judged: the run failed, or there was nothing to compare with."""
    found = Report(
        mlgit=context.mlgit,
        key=context.key,
        head=context.head,
        run=context.run,
        is_self_reported=context.is_self_reported,
        failure=_colourless(failure) if failure else None,
        stages=tuple(stages),
        card=tuple(card),
        plots=tuple(plots),
        trials=tuple(trials),
    )
    if diff is not None:
        found = _with_diff(found, diff)
    if review is not None:
        found = _with_review(found, review)
    if diff is not None:
        found = replace(found, metrics=(*found.metrics, *_recorded(diff, found.metrics)))
    state = _state(found, review, diff)
    told = [*found.notes, *notes, *(_unusable(diff, known=found.notes) if diff is not None else ())]
    return replace(found, state=state, verdict="" if state == "run failed" else found.verdict, notes=tuple(dict.fromkeys(told)))


def _unusable(diff: Diff, *, known: Sequence[str]) -> Iterable[str]:
    """What the files of metrics and parameters hold that could not be compared, but for what the review has said."""
    for side in (diff.base, diff.head):
        for note in side.notes:
            if any(note.message.startswith(f"{file}:") for file in side.unread) and not any(
                note.message in each for each in known
            ):
                yield f"{side.label}: {note.message}" + (f"; {note.hint}" if note.hint else "")
        for file, values in side.metrics.items():
            odd = [name for name, value in values.items() if isinstance(value, float) and not math.isfinite(value)]
            if odd and not any(each.startswith(f"{side.label}: {file}: ") and few(odd) in each for each in known):
                yield f"{side.label}: {file}: {few(odd)}: no finite number, so not compared"


def _colourless(failure: Failure) -> Failure:
    return replace(failure, lines=tuple(_COLOUR.sub("", line) for line in failure.lines))


def _state(found: Report, review: Review | None, diff: Diff | None) -> State:
    if found.failure is not None:
        return "run failed"
    if review is None and diff is None:
        return "invalid"
    if found.base is None:
        return "first"
    if found.rules and found.verdict == "invalid":
        return "invalid"
    is_same = diff is not None and diff.is_empty and found.verdict in ("pass", "")
    return "nothing changed" if is_same and not found.rule_changes else "compared"


def _with_review(found: Report, review: Review) -> Report:
    return replace(
        found,
        verdict=review.verdict if review.judged else "",
        base=review.baseline,
        rules=review.judged,
        rule_changes=review.rule_changes,
        rules_from=review.rules_from,
        metrics=review.metrics,
        tested=review.tested,
        leakage=review.leakage,
        turned=review.turned,
        data=_data(review.data, found.data),
        labels=review.labels,
        resamples=review.resamples,
        seed=review.seed,
        notes=review.notes,
        provenance=(*found.provenance, *_redo(review, found)),
    )


def _data(declared: Sequence[TableDrift], seen: Sequence[TableDrift]) -> tuple[TableDrift, ...]:
    known = {each.path for each in declared}
    return (*declared, *(each for each in seen if each.path not in known))


def _redo(review: Review, found: Report) -> tuple[Fact, ...]:
    base, head = review.baseline.commit if review.baseline else "", found.head.commit
    return (Fact("see it again", f"mlgit diff {base[:10]} {head[:10]}"),) if base and head else ()


def _with_diff(found: Report, diff: Diff) -> Report:
    models = [
        each for side in (diff.base, diff.head) for model in side.config.models.values() for each in (model, *model.tests)
    ]
    declared = {path for model in models for path in model.declared_predictions}
    patterns = [path for path in declared if is_pattern(path)]
    results = declared | {row.path for row in diff.data if any(recorded_paths.matching([row.path], each) for each in patterns)}
    moved = {each.path: each for each in diff.tables if each.path not in results}
    data = [row for row in diff.data if row.kind in ("data", "out") and row.path not in results]
    changed = [row for row in data if row.change != "same"]
    unseen = [each for each in moved.values() if each.path not in {row.path for row in changed}]
    return replace(
        found,
        parameters=tuple(_parameter(row) for row in diff.parameters if row.change != "same"),
        data=(*(moved.get(row.path) or _content(row) for row in changed), *unseen),
        n_data=len(data) + len(unseen),
        contracts=tuple(each for each in diff.contracts if each.is_changed),
        stages=found.stages or tuple(_stage(row) for row in diff.stages if row.change != "same"),
        provenance=tuple(_digests(data)),
    )


def _recorded(diff: Diff, measured: Sequence[MetricResult]) -> Iterable[MetricResult]:
    """The metrics in files that differ, but for those that rows say more of."""
    owners: dict[str, list[str]] = {}
    for model in diff.head.config.models.values():
        owners.setdefault(model.metrics, []).append(model.name)
    known = {(each.model, each.metric) for each in measured}
    files = Counter(row.name for row in diff.metrics)
    for row in diff.metrics:
        models = owners.get(row.file, [])
        if row.verdict == "same" or any((model, row.name) in known for model in models):
            continue
        name = row.name if models or files[row.name] == 1 else f"{row.file}: {row.name}"
        yield _unverified(row, name, models[0] if len(models) == 1 else "")


def _unverified(row: MetricChange, name: str, model: str) -> MetricResult:
    """A recorded number that differs; what is gone, or no number any more, cannot be compared."""
    before, now = _number(row.base), _number(row.head)
    found = MetricResult(model, name, "unverified", row.direction, before, now, row.delta)
    if row.verdict == "unknown":
        return replace(found, standing="invalid", reason=f"{row.file} of the other side could not be read")
    if row.head is None or (isinstance(row.head, float) and now is None):
        return replace(found, standing="invalid", delta=None, reason=_texts(row))
    if now is None or (before is None and row.base is not None):
        return replace(found, standing="changed", delta=None, reason=_texts(row))
    return found if row.base is not None else replace(found, standing="first")


def _texts(row: MetricChange) -> str:
    before, now = ("nothing" if each is None else wording.value(each) for each in (row.base, row.head))
    return f"{before} → {now}"


def _number(value: object) -> float | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= MAX_NUMBER:
        return value
    return None


def _parameter(row: ParameterChange) -> Parameter:
    name = row.key if row.file == recorded_paths.PARAMETERS else f"{row.file}: {row.key}"
    old = "" if row.change == "added" else wording.value(row.old)
    new = "" if row.change == "removed" else wording.value(row.new)
    return Parameter(name, old, new, row.change if row.change in ("added", "removed") else "changed")


def _content(row: DataChange) -> TableDrift:
    old, new = (side.shape.rows if side and side.shape else None for side in (row.old, row.new))
    word = "its content cannot be compared" if row.change == "unknown" else f"content {row.change}"
    return TableDrift(row.path, old, new, row.columns_added, row.columns_removed, reason=word)


def _stage(row: StageChange) -> StageRun:
    return StageRun(row.address, row.change, tuple(wording.sentences(row.differences)))


def _digests(data: Iterable[DataChange]) -> Iterable[Fact]:
    for row in data:
        if row.kind == "out" and row.change != "same" and row.new and row.new.digest:
            yield Fact(row.path, f"md5:{row.new.digest.md5}")
