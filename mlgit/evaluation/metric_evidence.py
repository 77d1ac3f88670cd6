"""What is known of one metric of one model: by rows where it can be computed from them, else by recorded numbers.

What judges rows is imported where there are some: with the statistics, it is more than all the rest of a gate imports.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from mlgit.errors import MlgitError
from mlgit.evaluation.comparison_settings import ComparisonSettings
from mlgit.evaluation.model_pair import ModelPair
from mlgit.evaluation.model_results import MODEL_BYTES, ModelResults
from mlgit.evaluation.results import MetricEvidence
from mlgit.rules import GateRule
from mlgit.statistics import metrics

Better = Literal["higher", "lower"]


def has(joined: ModelPair, metric: str) -> bool:
    """Whether a metric is recorded for a model, on either side."""
    return any(metric in each.recorded for each in _sides(joined))


def _sides(joined: ModelPair) -> list[ModelResults]:
    return [joined.current, *([joined.baseline] if joined.baseline else [])]


def computable(joined: ModelPair, metric: str) -> str:
    """The name of the metric that gives these values from the rows, '' where none does.

    A name with dots (`train.f1`) may be of other rows: it is computed only if the rows of a side give what is recorded there.
    """
    if is_kpi(joined, metric):
        return metric if joined.current.table is not None or joined.how == "invalid" else ""
    short = metric.rpartition(".")[2]
    chosen = metrics.METRICS.get(short)
    if chosen is None:
        return ""
    table = joined.current.table
    if table is None:
        is_of_rows = short == metric or any(agrees(each, metric, short) for each in _sides(joined))
        return short if joined.how == "invalid" and is_of_rows else ""
    needed = joined.model.prediction if chosen.needs == "prediction" else joined.model.score
    before = joined.baseline.table if joined.baseline else None
    if has(joined, metric) and not any(needed in each for each in (table, before or table)) and joined.model.label in table:
        return ""
    return short if short == metric or any(agrees(each, metric, short) for each in _sides(joined)) else ""


def is_kpi(joined: ModelPair, metric: str) -> bool:
    """Whether a metric is a KPI of the model."""
    return any(each.metric == metric for each in joined.model.kpis)


def valued(joined: ModelPair) -> Iterator[str]:
    """The KPIs whose columns the current predictions have, for which no rule need ask."""
    if joined.current.table is not None and joined.model.kpis:
        from mlgit.evaluation import kpi_metrics

        yield from (each.metric for each in joined.model.kpis if kpi_metrics.is_given(each, joined.model, joined.current.table))


def agrees(scored: ModelResults, metric: str, short: str) -> bool:
    """Whether the rows of a side give the recorded value of a metric."""
    given = scored.recorded.get(metric)
    if given is None or scored.table is None:
        return False
    from mlgit.evaluation import model_metrics

    found = value(scored, short)
    return found is not None and model_metrics.is_close(given, found)


def value(scored: ModelResults, metric: str) -> float | None:
    """A metric of all rows of a side; None where it has no value there."""
    if scored.table is None:
        return None
    from mlgit.evaluation import model_metrics

    return model_metrics.value(metric, scored.model, scored.table)


def evidence(rule: GateRule, joined: ModelPair, *, better: Better | None, asked: ComparisonSettings) -> MetricEvidence:
    """What is known for a rule about a metric of a model."""
    if joined.is_void:
        return MetricEvidence(better=better, trouble=joined.trouble)
    short = computable(joined, rule.metric)
    if not short:
        return _of_numbers(rule, joined, better)
    if joined.rows is None:
        return MetricEvidence(better=better, trouble=joined.trouble or "there are no predictions")
    if is_kpi(joined, short) and (told := _contradicted(joined.current, short)):
        return MetricEvidence(better=better, trouble=told)
    if short != rule.metric and not agrees(joined.current, rule.metric, short):
        return MetricEvidence(
            better=better, trouble=f"the current predictions do not give the {rule.metric} of the metrics file"
        )
    chosen = rule._replace(metric=short)
    if joined.how != "unverified":
        from mlgit.evaluation.paired_rows import gather

        return gather(chosen, joined.rows, better=better, settings=asked)
    return _of_one_side(chosen, joined, better, asked, rule.metric)


def _contradicted(scored: ModelResults, metric: str) -> str:
    """That the metrics file has another value of a KPI than the rows; '' where it has the same, or none."""
    from mlgit.evaluation import kpi_metrics

    recorded, computed = scored.recorded.get(metric), value(scored, metric)
    if recorded is None or computed is None or math.isclose(recorded, computed, rel_tol=kpi_metrics.SAME):
        return ""
    return f"the metrics file has {recorded:.6g} for {metric}, and the predictions give {computed:.6g}"


def _of_one_side(
    rule: GateRule, joined: ModelPair, better: Better | None, asked: ComparisonSettings, metric: str
) -> MetricEvidence:
    """Rows of the current side, and at most a number of the baseline."""
    from mlgit.evaluation.paired_rows import PairedRows, gather

    assert joined.rows is not None
    found = gather(rule, PairedRows(joined.model, joined.rows.current), better=better, settings=asked)
    before = joined.baseline.recorded.get(metric) if joined.baseline else None
    if before is None or found.trouble or rule.kind == "gap":
        return found
    if rule.kind == "no_harm":
        return replace(found, trouble=f"slices cannot be compared: {joined.trouble}")
    return replace(found, is_first=False, baseline=before, n_test=found.n)


def _of_numbers(rule: GateRule, joined: ModelPair, better: Better | None) -> MetricEvidence:
    current = joined.current.recorded.get(rule.metric)
    before = joined.baseline.recorded.get(rule.metric) if joined.baseline else None
    if rule.kind in ("no_harm", "gap"):
        told = f"slices are judged on rows, and {rule.metric} cannot be computed from them"
        return MetricEvidence(better=better, trouble=told, settle=_what_gives_rows(joined.current, rule.metric))
    if current is None:
        return MetricEvidence(better=better, trouble=joined.current.trouble or f"there is no {rule.metric}")
    is_bound = rule.kind == "bound" and rule.max_change is None
    is_exact = rule.metric == MODEL_BYTES
    if before is not None and joined.is_changed and not is_exact and not is_bound:
        told = f"the test set changed: {rule.metric} is known as single numbers of different test data only"
        return MetricEvidence(better=better, current=current, trouble=told)
    if before is None and joined.baseline and joined.baseline.trouble and not is_exact and not is_bound:
        told = f"{rule.metric} of the baseline is not known: {joined.baseline.trouble}"
        return MetricEvidence(better=better, current=current, trouble=told, settle=joined.baseline.hint)
    if not is_bound and not all(math.isfinite(each) for each in (current, before) if each is not None):
        return MetricEvidence(better=better, trouble=f"{rule.metric} is not a finite number on one of the sides")
    same = "same recorded number, and nothing on the way to it changed" if current == before and joined.is_repeated else ""
    return MetricEvidence(
        better=better,
        current=current,
        baseline=before,
        is_first=before is None,
        no_interval="" if is_exact else _no_interval(joined.current, rule.metric),
        n_test=_n_test(joined.current),
        is_exact=is_exact,
        settle="" if is_exact else "; ".join(_mended(joined, rule.metric)),
        same=same,
    )


def _n_test(scored: ModelResults) -> int:
    if scored.table is None:
        return scored.n_test
    from mlgit.evaluation import model_metrics

    return model_metrics.rows_of(scored.table)


def _mended(joined: ModelPair, metric: str) -> Iterator[str]:
    """What would tell more than recorded numbers do."""
    yield _what_gives_rows(joined.current, metric)
    if not all(each.test or each.table is not None for each in _sides(joined)):
        yield "declare models.NAME.test, so that it is known whether both were measured on the same test data"


def _what_gives_rows(scored: ModelResults, metric: str) -> str:
    """What would let a metric be judged by rows: for one that mlgit does not know, the names of those that it does."""
    if metric.rpartition(".")[2] not in metrics.METRICS:
        return f"mlgit cannot compute {metric} from predictions, only {', '.join(metrics.METRICS)}"
    if scored.table is not None:
        return f"the rows of {scored.model.predictions} cannot judge {metric}: {_no_interval(scored, metric)}"
    return "declare models.NAME.predictions and id in mlgit.yaml"


def _no_interval(scored: ModelResults, metric: str) -> str:
    """Why a recorded number has no interval."""
    if scored.table is None:
        return scored.trouble or "there are no predictions"
    if metric.rpartition(".")[2] not in metrics.METRICS:
        return "mlgit cannot compute it from predictions"
    from mlgit.evaluation import model_metrics

    try:
        model_metrics.interval(
            metric.rpartition(".")[2], scored.model, scored.table, ComparisonSettings(positive=scored.model.positive)
        )
    except MlgitError as error:
        return error.message
    return "the predictions do not give it"
