"""Runs that match a filter of MLflow, in the order asked for.

The grammar is MLflow's own. Its filters and orders are applied to runs as they are kept, since making MLflow's values of ten
thousand runs to show a hundred of them takes most of the time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT
from mlflow.utils.search_utils import SearchUtils

from mlgit.experiments.run import LoggedRun

Place = Callable[[LoggedRun], str]
_Test = Callable[[LoggedRun], bool]
_Value = Callable[[LoggedRun], Any]

_ATTRIBUTES: dict[str, _Value] = {
    "run_id": lambda run: run.id,
    "run_name": lambda run: run.name,
    "user_id": lambda run: run.user,
    "status": lambda run: run.status,
    "start_time": lambda run: run.start_time,
    "end_time": lambda run: run.end_time,
}


def matching(runs: Iterable[LoggedRun], filter_string: str | None, *, place: Place) -> list[LoggedRun]:
    """The runs that match; `place` is where the artifacts of a run are.

    Raises MlflowException for what is no filter.
    """
    tests = [_test(clause, place) for clause in SearchUtils.parse_search_filter(filter_string)]
    return [run for run in runs if all(test(run) for test in tests)]


def ordered(runs: Iterable[LoggedRun], order_by: Sequence[str] | None, *, place: Place) -> list[LoggedRun]:
    """The runs in an order, the newest first among equals; those without a value come last, those with NaN before them.

    Raises MlflowException for what is no order.
    """
    found = sorted(runs, key=lambda run: (-(run.start_time or 0), run.id))
    for clause in reversed(order_by or ()):
        kind, key, is_ascending = SearchUtils.parse_order_by_for_search_runs(clause)
        value = _value(kind, SearchUtils.translate_key_alias(key), place)
        found.sort(key=_rank(value, is_ascending=is_ascending), reverse=not is_ascending)
    return found


def _test(clause: dict[str, Any], place: Place) -> _Test:
    kind, comparator = clause["type"], clause["comparator"].upper()
    key, wanted = SearchUtils.translate_key_alias(clause["key"]), clause["value"]
    if comparator in ("IS NULL", "IS NOT NULL"):
        _check(kind, key, comparator)
        held = _value(kind, key, place)
        is_null = comparator == "IS NULL"
        return lambda run: (held(run) is None) is is_null
    compare = SearchUtils.get_comparison_func(comparator)
    if SearchUtils.is_dataset(kind, comparator):
        return _dataset_test(key, compare, wanted)
    wanted = _wanted(kind, key, comparator, wanted)
    value = _value(kind, key, place)

    def test(run: LoggedRun) -> bool:
        held = value(run)
        return held is not None and compare(held, wanted)

    return test


def _check(kind: str, key: str, comparator: str) -> None:
    """Raise MlflowException for a comparison that its grammar does not have for the kind."""
    is_known = (
        SearchUtils.is_metric(kind, comparator)
        or SearchUtils.is_param(kind, comparator)
        or SearchUtils.is_tag(kind, comparator)
        or SearchUtils.is_attribute(kind, key, comparator)
    )
    if not is_known:
        raise MlflowException.invalid_parameter_value(f"Invalid search expression type '{kind}'")


def _wanted(kind: str, key: str, comparator: str, wanted: Any) -> Any:
    _check(kind, key, comparator)
    if SearchUtils.is_metric(kind, comparator):
        return float(wanted)
    if SearchUtils.is_numeric_attribute(kind, key, comparator) and isinstance(wanted, str):
        return int(wanted)
    return wanted


def _dataset_test(key: str, compare: Callable[[Any, Any], bool], wanted: Any) -> _Test:
    if key == "context":
        return lambda run: any(
            compare(each.tags[MLFLOW_DATASET_CONTEXT], wanted) for each in run.datasets if MLFLOW_DATASET_CONTEXT in each.tags
        )
    return lambda run: any(compare(getattr(each, key), wanted) for each in run.datasets)


def _value(kind: str, key: str, place: Place) -> _Value:
    """What a filter or an order looks at."""
    if kind == "metric":
        return lambda run: point.value if (point := run.metrics.get(key)) else None
    if kind == "parameter":
        return lambda run: run.params.get(key)
    if kind == "tag":
        return lambda run: run.tags.get(key)
    if kind == "attribute" and key == "artifact_uri":
        return place
    if kind == "attribute" and key in _ATTRIBUTES:
        return _ATTRIBUTES[key]
    raise MlflowException.invalid_parameter_value(f"runs have no {kind} '{key}' to search by")


def _rank(value: _Value, *, is_ascending: bool) -> Callable[[LoggedRun], tuple[bool, Any]]:
    last = math.inf if is_ascending else -math.inf

    def rank(run: LoggedRun) -> tuple[bool, Any]:
        held = value(run)
        if held is None:
            return is_ascending, last
        if held != held:
            return is_ascending, -last
        return not is_ascending, held

    return rank
