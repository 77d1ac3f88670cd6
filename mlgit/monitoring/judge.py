"""The verdict about a window: contract, metrics and drift weighed, and what could not be seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from mlgit.monitoring import answer_drift, column_tests, drift, effects
from mlgit.monitoring.answer_drift import AnswerDrift
from mlgit.monitoring.batch_table import Columns
from mlgit.monitoring.drift import DriftFinding, DriftReference
from mlgit.monitoring.sketch import Sketch, WindowCounts
from mlgit.monitoring.verdict import (
    ColumnDrift,
    ContractState,
    MonitoredMetric,
    MonitorVerdict,
    Severity,
    VerdictWord,
    WindowName,
)
from mlgit.monitoring.window import Window
from mlgit.monitoring_settings import Monitoring
from mlgit.render.text import count, few
from mlgit.statistics import martingale

ALPHA = 0.05
_SHOWN = 20
# A window of more or fewer rows than this, beside a usual batch, is not of the length of the batches.
LONGER, _SHORTER = 1.6, 0.25


@dataclass(frozen=True, slots=True)
class Watched:
    """The version that is watched, as an environment has it; `digest` is that of the model."""

    model: str
    environment: str
    version: str
    digest: str


@dataclass(frozen=True, slots=True, eq=False)
class WindowCase:
    """All that a verdict depends on. `admitted` are the counts of windows that were quiet or accepted, in the order of time.

    `conformal` are the p-values of all windows before that stand; `n_periods` is how many batches long the window is (None:
    only its rows tell). `reference` is that of the sketch, prepared for many windows; `finding` replaces the test of batches,
    as where rows are drawn at random. `answers` are those of the version for its test data, in their cells.
    """

    watched: Watched
    settings: Monitoring
    sketch: Sketch
    window: Window
    counts: WindowCounts
    admitted: Sequence[WindowCounts] = ()
    conformal: Sequence[float] = ()
    alpha: float | None = None
    n_periods: int | None = None
    reference: DriftReference | None = None
    finding: DriftFinding | None = None
    answers: Columns = ()
    contract: ContractState = "absent"
    broken: str = ""
    metrics: tuple[MonitoredMetric, ...] = ()
    importance: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def judge(case: WindowCase) -> MonitorVerdict:
    """Weigh what was found: a broken contract outranks a broken metric, that an estimated one, and that drift."""
    alpha = case.settings.alpha if case.alpha is None else case.alpha
    notes = list(case.notes)
    if alpha is None or not case.settings.declared:
        alpha = ALPHA
        notes.append(f"alpha is {ALPHA:g}, for {_undeclared(case.settings)}")
    answers = answer_drift.judge(case.answers, case.admitted, case.counts, alpha=alpha / 2, digest=case.window.digest)
    if answers.finding:
        notes.append(f"half of alpha is for inputs and half for answers, whose p is {answers.finding.pvalue:.3g}")
    found = _drift(case, alpha / 2 if answers.finding else alpha)
    columns = _columns(case, found)
    conformal = found.conformal_pvalue
    evidence = martingale.capital([*case.conformal, conformal]) if conformal is not None else None
    word, severity, reason = _weighed(case, found, evidence, columns, answers)
    window = case.window
    return MonitorVerdict(
        case.watched.model,
        case.watched.environment,
        case.watched.version,
        case.watched.digest,
        WindowName(window.name, window.digest, window.rows, window.since, window.until),
        word,
        severity,
        _rounded(found.pvalue),
        _rounded(alpha),
        found.method,
        found.is_extrapolated,
        found.n_batches,
        _rounded(evidence),
        conformal,
        (*columns[:_SHOWN], *answers.columns),
        case.contract,
        case.metrics,
        found.smallest,
        tuple(_blind_to(case, found)),
        reason,
        (*notes, *found.notes),
    )


def _undeclared(settings: Monitoring) -> str:
    return "nothing tells how many windows a year has" if settings.declared else "nothing is declared under `monitoring:`"


def _drift(case: WindowCase, alpha: float) -> DriftFinding:
    settings, sketch = case.settings, case.sketch
    if case.window.rows < (least := settings.windows.min_rows):
        return DriftFinding("cannot_tell", reason=f"{count(case.window.rows, 'row')}, {least} needed (`windows.min_rows`)")
    if (known := case.finding) is not None:
        return known if known.pvalue is None else replace(known, word="watch" if known.pvalue <= alpha else "quiet")
    size, refusal = _recut(case)
    if refusal:
        return DriftFinding("cannot_tell", reason=refusal)
    found = _by_batches(case, size, alpha)
    if found.word != "cannot_tell" or settings.fallback != "holm":
        return found
    tested = column_tests.judge(sketch.columns, case.counts, alpha=alpha, n_batches=found.n_batches)
    return replace(tested, notes=(f"{found.reason}: rows are held against rows, column by column", *found.notes))


def _by_batches(case: WindowCase, size: int, alpha: float) -> DriftFinding:
    """The window beside batches, `size` of which are as long as it."""
    digest = case.window.digest
    if size == 1:
        reference = case.reference or drift.reference(case.sketch)
        return drift.judge(reference, case.admitted, case.counts, alpha=alpha, digest=digest)
    # windows that were admitted are of the old length
    found = drift.judge(drift.reference(case.sketch, size=size), (), case.counts, alpha=alpha, digest=digest)
    if found.word == "cannot_tell":
        return replace(found, reason=f"{found.reason}, each as long as the window ({size} batches)")
    note = f"the window is {size} batches long, so {size} batches of the reference were put together to one"
    return replace(found, notes=(note, *found.notes))


def _recut(case: WindowCase) -> tuple[int, str]:
    """How many batches make one as long as the window, and why that cannot be done; '' where it can."""
    sizes = sorted(case.sketch.batches.sizes)
    if case.n_periods is not None:
        return max(case.n_periods, 1), ""
    usual = sizes[len(sizes) // 2] if sizes else 0
    if not usual or case.sketch.batches.kind == "rows":
        return 1, ""
    ratio = case.window.rows / usual
    if ratio > LONGER:
        return round(ratio), ""
    if ratio < _SHORTER and case.sketch.batches.kind == "versions":
        return 1, f"{case.window.rows} rows beside batches of {usual}: a window has to be as long as a batch"
    return 1, ""


def _columns(case: WindowCase, found: DriftFinding) -> tuple[ColumnDrift, ...]:
    scores = dict(zip(found.labels, found.scores, strict=True))
    given = case.importance
    return effects.described(case.sketch.columns, case.counts, scores=scores, importance=given, pvalues=found.pvalues)


def _weighed(
    case: WindowCase, found: DriftFinding, evidence: float | None, columns: tuple[ColumnDrift, ...], answers: AnswerDrift
) -> tuple[VerdictWord, Severity, str]:
    """The word, what alarmed that is worst, and the reasons, the worst first."""
    if case.contract == "fail":
        return "page", "contract", f"the data break the contract: {case.broken}"
    broken = {kind: [each for each in case.metrics if each.is_broken and each.is_estimated is kind] for kind in (False, True)}
    reasons: list[tuple[Severity, str]] = []
    if broken[False]:
        reasons.append(("metric", f"beyond the limit: {few(map(_told, broken[False]))}"))
    if broken[True]:
        reasons.append(("estimated metric", f"estimated beyond the limit: {few(map(_told, broken[True]))}"))
    if answers.finding and answers.finding.word == "watch":
        told = f"answers are further from those before than chance puts them: {_moved(answers.columns)}"
        reasons.append(("prediction drift", told))
    pages = evidence is not None and evidence >= martingale.PAGE
    if pages:
        told = f"evidence of {evidence:.3g} against 'nothing changed' over all windows; {_moved(columns)}"
        reasons.append(("feature drift", told))
    elif found.word == "watch":
        reasons.append(("feature drift", f"further from the reference than chance puts it: {_moved(columns)}"))
    if not reasons:
        return ("cannot_tell", "", found.reason) if found.word == "cannot_tell" else ("quiet", "", "")
    return "page" if pages else "watch", reasons[0][0], "; ".join(reason for _, reason in reasons)


def _told(metric: MonitoredMetric) -> str:
    return f"{metric.name} {metric.value:.4g}"


def _moved(columns: tuple[ColumnDrift, ...]) -> str:
    told = [f"'{each.name}' {'; '.join(text for text in (each.effect, each.note) if text)}" for each in effects.moved(columns)]
    return few(told, most=3) if told else "many columns a little"


def _blind_to(case: WindowCase, found: DriftFinding) -> list[str]:
    blind = list(dict.fromkeys([*case.sketch.notes]))
    if case.counts.lacking:
        blind.append(f"columns that the window lacks: {few(case.counts.lacking)}")
    if case.window.hashed:
        blind.append(f"columns that the log holds as hashes only: {few(sorted(case.window.hashed))}")
    if found.method in ("permutation", "holm"):
        blind.append("day effects: rows are taken as exchangeable")
    if found.method.startswith("local"):
        blind.append("changes that creep")
        if far := effects.beyond(case.sketch.columns, case.counts):
            blind.append(f"jumps of what has left nearly all of the reference behind: {few(far)}")
    if not any(not each.is_estimated for each in case.metrics):
        why = "no labels" if case.settings.labels is None else "nothing was measured with labels"
        blind.append(f"a changed relation of inputs and truth: {why}")
    if found.method and not any(cells.kind == "vector" for cells, _ in case.sketch.columns):
        blind.append("changes of columns together that change none of them alone")
    return blind


def _rounded(value: float | None) -> float | None:
    """To ten digits: libraries of another machine may differ in the last ones."""
    return None if value is None else float(f"{value:.9e}")
