"""Single checks of a contract, of values as JSON has them: what `mlgit.validation.predicates` says in SQL."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from mlgit.serving import moments
from mlgit.validation.cells import EXACT
from mlgit.validation.contract import Contract, ContractCheck

Broken = Callable[[Sequence[Any]], Sequence[int]]
Test = Callable[[Any], bool]

# Whole numbers below it are those of DuckDB's HUGEINT; what two divisions of floats may be off by, of one.
_HUGE, _ROUNDING = 2**127, 4 * 2.0**-52
_SIGNS: Mapping[str, Callable[[Any, Any], bool]] = {
    "minimum": lambda value, end: value < end,
    "exclusiveMinimum": lambda value, end: value <= end,
    "maximum": lambda value, end: value > end,
    "exclusiveMaximum": lambda value, end: value >= end,
}
_MOMENTS = ("date", "timestamp", "time")


def top_of(path: str, names: Iterable[str]) -> str | None:
    """The column that a path begins with, whose own name may have dots; None where no column does."""
    known = set(names)
    beginnings = [path, *(path[:place] for place, char in enumerate(path) if char in ".[")]
    return max((each for each in beginnings if each in known), key=len, default=None)


def broken(check: ContractCheck, contract: Contract, *, name: str) -> Broken:
    """Which values of the column `name` break a check."""
    path = check.columns[0]
    column = contract.column(path)
    kind = column.type if column else ""
    form = str(column.options.get("format", "")) if column and kind in _MOMENTS else ""
    inner = str(check.options["within"]) if "within" in check.options else path
    steps = tuple(step for step in inner[len(name) :].replace("[]", ".[]").split(".") if step)
    test = _test(check, kind, form)
    if not steps:
        return lambda values: [row for row, value in enumerate(values) if test(value)]
    return lambda values: [row for row, value in enumerate(values) if _any(value, steps, test)]


def not_finite(values: Sequence[Any]) -> Sequence[int]:
    """Which values are there and no finite number."""
    return [row for row, value in enumerate(values) if not is_missing(value) and not _is_finite(value)]


def infinite(values: Sequence[Any]) -> Sequence[int]:
    """Which values are numbers beyond all others."""
    return [row for row, value in enumerate(values) if is_number(value) and not is_missing(value) and not _is_finite(value)]


def _is_finite(value: Any) -> bool:
    if not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def is_missing(value: Any) -> bool:
    """Whether a value is not there; NaN is not."""
    return value is None or value != value


def _any(value: Any, steps: Sequence[str], test: Test) -> bool:
    """A test at the end of a path; behind a list, of anything in it."""
    if not steps:
        return test(value)
    if steps[0] == "[]":
        return isinstance(value, list) and any(_any(each, steps[1:], test) for each in value)
    return _any(_field(value, steps[0]), steps[1:], test)


def _field(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _test(check: ContractCheck, kind: str, form: str) -> Test:
    """Whether a value breaks a check."""
    options = check.options
    match check.kind:
        case "required" if "within" in options:
            key = str(options["key"])
            return lambda value: not is_missing(value) and is_missing(_field(value, key))
        case "required":
            return is_missing
        case "missing":
            listed = options.get("values") or ()
            return lambda value: is_missing(value) or _is_among(value, listed, "")
    wrong: Test
    match check.kind:
        case "type":
            wrong = _wrong(kind, form)
        case "range":
            wrong = _outside(kind, form, options)
        case "length":
            wrong = _wrong_length(kind, options)
        case "multiple":
            wrong = _of_numbers(kind, lambda value: _is_no_multiple(value, options["of"]))
        case "items":
            wrong = _has_twice
        case "values":
            wrong = lambda value: not _is_among(value, options["values"], kind)  # noqa: E731
        case _:
            raise AssertionError(check.kind)
    return lambda value: not is_missing(value) and wrong(value)


def is_number(value: Any) -> bool:
    """Whether JSON calls it a number: true is none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def as_float(value: Any) -> float:
    """A number as a float, infinite where it is larger than any."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _wrong(kind: str, form: str) -> Test:
    """Whether a value that is there is of another type."""
    match kind:
        case "integer":
            return lambda value: not (is_number(value) and as_float(value).is_integer())
        case "number":
            return lambda value: not is_number(value)
        case "boolean":
            return lambda value: not isinstance(value, bool)
        case "string":
            return lambda value: not isinstance(value, str)
        case "array":
            return lambda value: not isinstance(value, list)
        case "object" | "map":
            return lambda value: not isinstance(value, dict)
    return lambda value: not isinstance(value, str) or moments.read(value, kind, form=form) is None


def _of_numbers(kind: str, wrong: Test) -> Test:
    """What is wrong with numbers: of another type they are neither right nor wrong, which the type tells, if there is one."""
    if not kind:
        return lambda value: not is_number(value) or wrong(value)
    none = _wrong(kind, "") if kind in ("integer", "number") else lambda value: not is_number(value)
    return lambda value: not none(value) and wrong(value)


def _outside(kind: str, form: str, ends: Mapping[str, Any]) -> Test:
    if kind in _MOMENTS:
        bounds = [(_SIGNS[key], moments.read(str(end), kind, form="")) for key, end in ends.items()]

        def is_outside(value: Any) -> bool:
            found = moments.read(text(value), kind, form=form)
            return found is not None and any(bound is not None and sign(found, bound) for sign, bound in bounds)

        return is_outside
    is_beyond_floats = any(abs(each) >= EXACT for each in ends.values())

    def is_beyond(value: Any) -> bool:
        number = as_float(value)
        if is_beyond_floats and math.isfinite(number) and abs(number) >= EXACT:
            return any(_SIGNS[key](_whole(value), end) for key, end in ends.items())
        return any(_SIGNS[key](number, float(end)) for key, end in ends.items())

    return _of_numbers(kind, is_beyond)


def _whole(value: float) -> int:
    return value if isinstance(value, int) else round(value)


def _wrong_length(kind: str, ends: Mapping[str, Any]) -> Test:
    low, high = ends.get("low"), ends.get("high")
    measured = {"array": list, "object": dict, "map": dict}.get(kind)

    def is_wrong(value: Any) -> bool:
        if measured is not None and not isinstance(value, measured):
            return False
        length = len(value) if measured else len(text(value))
        return (low is not None and length < low) or (high is not None and length > high)

    return is_wrong


def text(value: Any) -> str:
    """A value as a text, as patterns and lengths see it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _is_among(value: Any, values: Sequence[Any], kind: str) -> bool:
    """Whether a value is one of those listed: numbers by their value, all else by its text."""
    texts = {str(each).lower() if isinstance(each, bool) else str(each) for each in values}
    own = text(value)
    if own in texts:
        return True
    if kind != "string" and is_number(value):
        listed = [each for each in values if is_number(each) and abs(each) <= sys.float_info.max]
        large = [each for each in listed if EXACT <= abs(each) < _HUGE]
        number = as_float(value)
        if math.isfinite(number) and any(_whole(value) == int(each) for each in large):
            return True
        if any(number == float(each) for each in listed if each not in large):
            return True
    if kind == "boolean" and texts:
        lower = {each.lower() for each in texts}
        return own.lower() in lower or {"1": "true", "0": "false"}.get(own) in lower
    return own.lower() in {str(each).lower() for each in values if isinstance(each, bool)}


def _is_no_multiple(value: Any, of: float) -> bool:
    """Of whole numbers exactly, of others but for the rounding of floats."""
    number = as_float(value)
    if not math.isfinite(number):
        return True
    quotient = number / float(of)
    is_off = not math.isfinite(quotient) or abs(quotient - round(quotient)) > _ROUNDING * max(1.0, abs(quotient))
    if of != int(of) or of >= _HUGE:
        return is_off
    if abs(number) >= EXACT:
        whole = _whole(value)
        return whole % int(of) != 0 if abs(whole) < _HUGE else is_off
    return number % of != 0 if number.is_integer() else is_off


def _has_twice(value: Any) -> bool:
    return isinstance(value, list) and len(set(map(_alike, value))) < len(value)


def _alike(item: Any) -> str:
    """What two items have in common that are one: 1 and 1.0 are."""
    if is_number(item) and abs(as_float(item)) < EXACT:
        return repr(float(item) + 0.0)
    return json.dumps(item, separators=(",", ":"))
