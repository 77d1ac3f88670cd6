"""What is known of one metric of one model: by rows where it can be computed from them, else by recorded numbers.

What judges rows is imported where there are some: with the statistics, it is more than all the rest of a gate imports.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from mlgit.errors import MlgitError
from mlgit.evaluation import definitions
from mlgit.evaluation.comparison_settings import ComparisonSettings
from mlgit.evaluation.definitions import MetricDefinition
from mlgit.evaluation.model_pair import ModelPair
from mlgit.evaluation.model_results import MODEL_BYTES, ModelResults, Table
from mlgit.evaluation.results import MetricEvidence
from mlgit.model_settings import Model
from mlgit.rules import GateRule

Better = Literal["higher", "lower"]


def has(joined: ModelPair, metric: str) -> bool:
    """Whether a metric is recorded for a model, on either side."""
    return any(metric in each.recorded for each in _sides(joined))


def _sides(joined: ModelPair) -> list[ModelResults]:
    return [joined.current, *([joined.baseline] if joined.baseline else [])]


def computable(joined: ModelPair, metric: str) -> str:
    """The name of the metric that gives these values from the rows, '' where none does.

    What mlgit.yaml makes of columns is computed wherever there are rows. A name with dots (`train.f1`) may be of other rows: it
    is computed only if the rows of a side give what is recorded there.
    """
    table = joined.current.table
    if is_made(joined, metric):
        return metric if table is not None or joined.how == "invalid" else ""
    found = named(joined, metric)
    if found is None:
        return ""
    short = found.metric
    is_of_rows = "." not in metric or any(agrees(each, metric, short) for each in _sides(joined))
    if table is None:
        return short if joined.how == "invalid" and is_of_rows else ""
    before = joined.baseline.table if joined.baseline and joined.baseline.table is not None else table
    is_there = any(set(definitions.columns(joined.model, found, header=each)) <= {*each} for each in (table, before))
    if has(joined, metric) and not is_there and joined.model.label in table:
        return ""
    return short if is_of_rows else ""


def named(joined: ModelPair, metric: str) -> MetricDefinition | None:
    """What a metric is made of by its name, or by the last parts of it; None where that is not known."""
    table = joined.current.table
    found = definitions.of(joined.model, metric) if table is None else _in_rows(metric, joined.model, table)
    if found is not None or "." not in metric:
        return found
    made = {each.metric for each in definitions.all_of(joined.model)}
    behind = (metric[place + 1 :] for place, letter in enumerate(metric) if letter == ".")
    return next((definitions.of(joined.model, each) for each in behind if each in made), None)


def _in_rows(metric: str, model: Model, table: Table) -> MetricDefinition | None:
    if "." not in metric:
        return definitions.of(model, metric)
    from mlgit.evaluation import metric_values  # of the names of classes, only rows tell

    return metric_values.definition_of(metric, model, table)


def is_made(joined: ModelPair, metric: str) -> bool:
    """Whether mlgit.yaml says what a metric of the model is made of: a KPI, a column, an expression, a built-in one."""
    return any(each.metric == metric for each in definitions.all_of(joined.model))


def valued(joined: ModelPair) -> Iterator[str]:
    """The metrics that mlgit.yaml declares, where the current predictions have their columns; for which no rule need ask."""
    if joined.current.table is not None:
        yield from (each.metric for each in definitions.measured(joined.model, joined.current.table))


def is_given(joined: ModelPair, metric: str) -> bool:
    """Whether a metric is computed from rows, and those of a side have its columns; where there are no rows, they may."""
    tables = [each.table for each in _sides(joined) if each.table is not None]
    found = named(joined, metric)
    if found is None or not tables:
        return bool(computable(joined, metric))
    return bool(computable(joined, metric)) and any(definitions.is_given(joined.model, found, each) for each in tables)


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
    from mlgit.evaluation import metric_values

    return metric_values.value(metric, scored.model, scored.table)


def evidence(rule: GateRule, joined: ModelPair, *, better: Better | None, asked: ComparisonSettings) -> MetricEvidence:
    """What is known for a rule about a metric of a model."""
    if joined.is_void:
        return MetricEvidence(better=better, trouble=joined.trouble)
    short = computable(joined, rule.metric)
    if not short:
        return _of_numbers(rule, joined, better)
    if joined.rows is None:
        return MetricEvidence(better=better, trouble=joined.trouble or "there are no predictions")
    if told := _contradicted(joined.current, short):
        return MetricEvidence(better=better, trouble=told)
    if "." in rule.metric and not is_made(joined, rule.metric) and not agrees(joined.current, rule.metric, short):
        told = f"the current predictions do not give the {rule.metric} of the metrics file"
        if rule.metric not in joined.current.recorded:
            told = f"the metrics file has no {rule.metric} any more, which told that it is of these rows"
        return MetricEvidence(better=better, trouble=told)
    chosen = rule._replace(metric=short)
    if joined.how != "unverified":
        from mlgit.evaluation.paired_rows import gather

        return gather(chosen, joined.rows, better=better, settings=asked)
    return _of_one_side(chosen, joined, better, asked, rule.metric)


def _contradicted(scored: ModelResults, metric: str) -> str:
    """That the metrics file has another value of what is made of columns than the rows; '' where it has the same, or none."""
    from mlgit.evaluation import metric_values

    made = next((each for each in definitions.all_of(scored.model) if each.metric == metric), None)
    recorded = scored.recorded.get(metric)
    computed = value(scored, metric) if made is not None and made.expression is not None and recorded is not None else None
    if recorded is None or computed is None or math.isclose(recorded, computed, rel_tol=metric_values.SAME):
        return ""
    return f"the metrics file has {recorded:.6g} for {metric}, and the predictions give {computed:.6g}"


def differing(scored: ModelResults, metric: str, current: float | None) -> str:
    """That the metrics file has another value of a metric than the rows give, which then is not the one that is judged."""
    recorded = scored.recorded.get(metric)
    from mlgit.evaluation import model_metrics

    if recorded is None or current is None or model_metrics.is_close(recorded, current):
        return ""
    whole = value(scored, metric)  # what is compared are the rows that have a value on both sides
    if whole is not None and model_metrics.is_close(recorded, whole):
        return ""
    return f"the metrics file has {recorded:.6g} for {metric}, and the predictions give {current:.6g}"


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
    from mlgit.evaluation import row_columns

    return row_columns.rows_of(scored.table)


def _mended(joined: ModelPair, metric: str) -> Iterator[str]:
    """What would tell more than recorded numbers do."""
    yield _what_gives_rows(joined.current, metric)
    if not all(each.test or each.table is not None for each in _sides(joined)):
        yield "declare models.NAME.test, so that it is known whether both were measured on the same test data"


def _what_gives_rows(scored: ModelResults, metric: str) -> str:
    """What would let a metric be judged by rows: for one that mlgit does not know, the names of those that it does."""
    found = _of_name(scored, metric)
    if found is None:
        told = f"mlgit cannot compute {metric} from predictions by its name alone"
        return f"{told}; say what it is: metrics: {{{metric}: {{column: COLUMN}}}}, or {{of: recall_at_k, k: 10}}"
    if scored.table is not None:
        return f"the rows of {scored.model.predictions} cannot judge {metric}: {_no_interval(scored, metric)}"
    model = scored.model
    more = [each for each in definitions.needs(model, found) if not definitions.is_declared(model, each)]
    keys = ["predictions", "id", *more]
    return f"declare models.NAME.{', '.join(keys[:-1])} and {keys[-1]} in mlgit.yaml"


def _of_name(scored: ModelResults, metric: str) -> MetricDefinition | None:
    """What a metric is made of by its name, as far as it is known without rows."""
    return definitions.of(scored.model, metric)


def _no_interval(scored: ModelResults, metric: str) -> str:
    """Why a recorded number has no interval."""
    if scored.table is None:
        return scored.trouble or "there are no predictions"
    found = _of_name(scored, metric)
    if found is None:
        return "mlgit cannot compute it from predictions"
    from mlgit.evaluation import metric_values

    try:
        metric_values.check_classes(found.metric, scored.model, scored.table, positive=scored.model.positive)
        metric_values.interval(
            found.metric, scored.model, scored.table, ComparisonSettings(positive=scored.model.positive, resamples=100)
        )
    except MlgitError as error:
        return error.message
    return "the predictions do not give it"
