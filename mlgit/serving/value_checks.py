"""Single checks of a contract, of values as JSON has them: what `mlgit.validation.predicates` says in SQL."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from mlgit.errors import MlgitError
from mlgit.serving import moments, text_patterns
from mlgit.validation import patterns
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
# What DuckDB takes for a truth value.
_READ_AS = {**dict.fromkeys(("1", "t", "yes", "y"), "true"), **dict.fromkeys(("0", "f", "no", "n"), "false")}
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
    if check.options.get("pattern") is not None:
        return _unmatched(check, kind, steps)
    test = _test(check, kind, form)
    if not steps:
        return lambda values: [row for row, value in enumerate(values) if test(value)]
    return lambda values: [row for row, value in enumerate(values) if _any(value, steps, test)]


def _unmatched(check: ContractCheck, kind: str, steps: Sequence[str]) -> Broken:
    """Which values do not match a pattern, or are none of those listed beside it.

    RE2 looks at all of them at once: its time grows with the text, whatever pattern and text are.
    """
    given = str(check.options["pattern"])
    pattern = f"^(?:{given})$" if check.kind == "format" else patterns.translated(given)
    values = check.options.get("values")
    among = None if values is None else _among(values, kind)

    def broken_rows(column: Sequence[Any]) -> Sequence[int]:
        ends = [(row, end) for row, value in enumerate(column) for end in _ends(value, steps) if not is_missing(end)]
        if not ends:
            return []
        matched = text_patterns.found(pattern, [text(end) for _, end in ends])
        bad = (row for (row, end), is_found in zip(ends, matched, strict=True) if not is_found or (among and not among(end)))
        return list(dict.fromkeys(bad))

    return broken_rows


def _ends(value: Any, steps: Sequence[str]) -> Iterator[Any]:
    """What lies at the end of a path; behind a list, each that stands in it."""
    if not steps:
        yield value
    elif steps[0] != "[]":
        yield from _ends(_field(value, steps[0]), steps[1:])
    elif isinstance(value, list):
        for each in value:
            yield from _ends(each, steps[1:])


def not_finite(values: Sequence[Any]) -> Sequence[int]:
    """Which values are there and no finite number."""
    return [row for row, value in enumerate(values) if not is_missing(value) and not _is_finite(value)]


def infinite(values: Sequence[Any]) -> Sequence[int]:
    """Which values are numbers beyond all others."""
    return [row for row, value in enumerate(values) if is_number(value) and not is_missing(value) and not _is_finite(value)]


def no_text(values: Sequence[Any]) -> Sequence[int]:
    """Which values are no texts, or missing."""
    return [row for row, value in enumerate(values) if not isinstance(value, str)]


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
            is_listed = _among(options.get("values") or (), "")
            return lambda value: is_missing(value) or is_listed(value)
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
            is_valid = _among(options["values"], kind)
            wrong = lambda value: not is_valid(value)  # noqa: E731
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
        bounds = [(_SIGNS[key], _end(str(end), kind)) for key, end in ends.items()]

        def is_outside(value: Any) -> bool:
            found = moments.read(text(value), kind, form=form)
            return found is not None and any(sign(found, bound) for sign, bound in bounds)

        return is_outside
    is_beyond_floats = any(abs(each) >= EXACT for each in ends.values())

    def is_beyond(value: Any) -> bool:
        number = as_float(value)
        if is_beyond_floats and math.isfinite(number) and abs(number) >= EXACT:
            return any(_SIGNS[key](_whole(value), end) for key, end in ends.items())
        return any(_SIGNS[key](number, float(end)) for key, end in ends.items())

    return _of_numbers(kind, is_beyond)


def _end(text: str, kind: str) -> int:
    found = moments.read(text, kind)
    if found is None:
        raise MlgitError(f"'{text}' is no {kind} that an end of a range can be", "write it as ISO 8601 has it")
    return found


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
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    """A value as DuckDB writes JSON."""
    match value:
        case float():
            return _digits(value)
        case dict():
            return (
                "{" + ",".join(f"{json.dumps(str(key), ensure_ascii=False)}:{_json(each)}" for key, each in value.items()) + "}"
            )
        case list() | tuple():
            return f"[{','.join(map(_json, value))}]"
    return json.dumps(value, ensure_ascii=False)


def _digits(value: float) -> str:
    """A float in its shortest form, with an exponent where it would be long: as JavaScript has it, but for the point."""
    written = repr(value)
    if "e" not in written:
        return written
    digits, _, exponent = written.partition("e")
    if 1e-6 <= abs(value) < 1e21:
        plain = format(Decimal(written), "f")
        return plain if "." in plain else f"{plain}.0"
    return f"{digits}e{int(exponent)}"


def _among(values: Sequence[Any], kind: str) -> Test:
    """Whether a value is one of those listed: numbers by their value, all else by its text."""
    texts = {str(each).lower() if isinstance(each, bool) else str(each) for each in values}
    listed = [each for each in values if is_number(each) and abs(each) <= sys.float_info.max]
    large = {int(each) for each in listed if EXACT <= abs(each) < _HUGE}
    numbers = {float(each) for each in listed if not EXACT <= abs(each) < _HUGE}
    truths = (
        {each.lower() for each in texts}
        if kind == "boolean"
        else {str(each).lower() for each in values if isinstance(each, bool)}
    )

    def is_among(value: Any) -> bool:
        own = text(value)
        lower = own.lower()
        if own in texts or (truths and (lower in truths or (kind == "boolean" and _READ_AS.get(lower) in truths))):
            return True
        if kind != "string" and is_number(value):
            number = as_float(value)
            return number in numbers or (bool(large) and math.isfinite(number) and _whole(value) in large)
        return False

    return is_among


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
    return _json(item)
