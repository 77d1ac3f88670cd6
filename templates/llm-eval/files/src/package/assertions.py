"""promptfoo's assertions, as far as they need no model to judge: the same result for the same output.

    - {type: contains, value: text}
    - {type: not-icontains-any, value: [some, texts], weight: 2}

A case passes when all of its assertions do; with a `threshold`, when the mean of their scores by `weight` (default 1)
reaches it. Anything whose result would not be promptfoo's is refused when the cases are read: values that are
templates or files, schemas with `format`, regular expressions that Python reads otherwise than JavaScript.
"""

import functools
import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jsonschema
import yaml

from . import javascript
from .javascript import parse_json, regex, string, units

KEYS = {"type", "value", "threshold", "weight", "metric"}
MOST_READ, DEEPEST = 200_000, 100
SLASHES = re.compile(r"""\"(?:\\.|[^"\\\n])*"?|(?<![A-Za-z])'[^'\n]*'?|[^\s"']*://|(//+)""")


@dataclass(frozen=True)
class Result:
    """Whether a case passes, with which score, and the first thing that failed."""

    is_pass: bool
    score: float
    reason: str = ""


def judge(output: str, case: dict[str, Any]) -> Result:
    """What promptfoo says of this output for a test case; ValueError for an assertion that cannot be judged."""
    assertions, threshold = case.get("assert") or [], case.get("threshold")
    if not assertions:
        return Result(True, 1.0)
    score, weights, failed = 0.0, 0.0, ""
    for assertion in assertions:
        weight = assertion.get("weight", 1)
        passes = holds(output, assertion)
        score += weight * passes
        weights += weight
        if not passes and weight != 0:
            failed = f"{assertion['type']}: {json.dumps(assertion.get('value'))}"
    mean = score / weights if weights > 0 else 0.0
    if threshold is None:
        return Result(not failed, mean, failed)
    return Result(mean >= threshold, mean, failed if mean < threshold else "")


def holds(output: str, assertion: dict[str, Any]) -> bool:
    """Whether one assertion holds of an output."""
    base = assertion["type"].removeprefix("not-")
    check(assertion)
    return JUDGES[base](output, assertion) != (base != assertion["type"])


def check(assertion: dict[str, Any]) -> None:
    """ValueError for an assertion that promptfoo would refuse, or would understand otherwise."""
    kind, value = assertion.get("type"), assertion.get("value")
    base = kind.removeprefix("not-") if isinstance(kind, str) else ""
    if base not in JUDGES or not assertion.keys() <= KEYS:
        raise ValueError(f"expected {', '.join(sorted(KEYS))}, type one of {', '.join(JUDGES)}; found {assertion}")
    for text in value if isinstance(value, list) else [value]:
        is_text = isinstance(text, str)
        if is_text and (any(each in text for each in ("{{", "{%", "{#")) or text.startswith(("file://", "package:"))):
            raise ValueError(f"{kind}: {text!r} is a template or a file: write the text itself")
    if not VALUES[base](value):
        raise ValueError(f"{kind}: {value!r} is no value of it")
    if base == "regex":
        regex(value)
    if base in ("is-json", "contains-json") and value:
        validator(json.dumps(value))


def _equals(output: str, assertion: dict[str, Any]) -> bool:
    value = assertion["value"]
    if not isinstance(value, (dict, list)):
        return output == string(value)
    try:
        return javascript.same(parse_json(output), parse_json(json.dumps(value)))
    except ValueError:
        return False


def _contains(some: Callable[[Any], bool], *, fold: bool) -> Callable[[str, dict[str, Any]], bool]:
    def holds(output: str, assertion: dict[str, Any]) -> bool:
        value = assertion["value"]
        wanted = [string(each) for each in (value if isinstance(value, list) else _listed(value, assertion["type"]))]
        return some((each.lower() in output.lower()) if fold else (each in output) for each in wanted)

    return holds


def _listed(value: Any, kind: str) -> list[Any]:
    """`-any` and `-all` take a text for a list with commas."""
    if not kind.endswith(("-any", "-all")):
        return [value]
    return [each.strip() for each in value.split(",") if each.strip()]


def _is_json(output: str, assertion: dict[str, Any]) -> bool:
    try:
        found = parse_json(output)
    except ValueError:
        return False
    schema = assertion.get("value")
    return not schema or validator(json.dumps(schema)).is_valid(found)


def _contains_json(output: str, assertion: dict[str, Any]) -> bool:
    found, schema = objects(output), assertion.get("value")
    return any(validator(json.dumps(schema)).is_valid(each) for each in found) if schema else bool(found)


def objects(text: str) -> list[dict[str, Any]]:
    """The objects in a text: from a brace to the one that closes it, or to the end; read as YAML, as promptfoo does."""
    found, at, read_until_now = [], text.find("{"), 0
    # a model may say nothing but braces; one that is the last character begins nothing
    while 0 <= at < len(text) - 1 and read_until_now < MOST_READ:
        end, is_open, depth = _closing(text, at)
        read_until_now += end - at
        try:
            read = yaml.safe_load(_comments(text[at:end]) + "}" * is_open) if depth < DEEPEST else None
        except (yaml.YAMLError, ValueError, RecursionError):
            read = None
        if isinstance(read, dict):
            found.append(read)
            at = end - 1
        at = text.find("{", at + 1)
    return found


def _comments(text: str) -> str:
    """Comments as JavaScript has them, as those of YAML; not in strings and addresses."""
    return SLASHES.sub(lambda match: "#" if match[1] else match[0], text)


def _closing(text: str, at: int) -> tuple[int, int, int]:
    """The place behind the brace that closes the one at `at`, how many are left open there, and how deep they go."""
    depth = deepest = 0
    for place in range(at, len(text)):
        depth += (text[place] == "{") - (text[place] == "}")
        deepest = max(deepest, depth)
        if depth == 0:
            return place + 1, 0, deepest
    return len(text), depth, deepest


def _levenshtein(output: str, assertion: dict[str, Any]) -> bool:
    threshold = assertion.get("threshold", 5)
    return distance(units(output), units(assertion["value"])) <= threshold


def distance(one: Sequence[Any], other: Sequence[Any]) -> int:
    """How many insertions, deletions and replacements turn one into the other."""
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        corner, row[0] = row[0], i
        for j, right in enumerate(other, 1):
            corner, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, corner + (left != right))
    return row[-1]


@functools.cache
def validator(schema: str) -> jsonschema.Draft7Validator:
    """A validator for a schema, given as JSON; ValueError for what ajv would refuse or judge otherwise."""
    given = json.loads(schema)
    if _has_format(given):
        raise ValueError("a schema with `format` is not supported: say it with `pattern`")
    try:
        jsonschema.Draft7Validator.check_schema(given)
    except jsonschema.SchemaError as error:
        raise ValueError(f"no JSON schema: {error.message}") from error
    return VALIDATOR(given)


def _has_format(schema: Any) -> bool:
    if isinstance(schema, list):
        return any(map(_has_format, schema))
    if not isinstance(schema, dict):
        return False
    return isinstance(schema.get("format"), str) or any(map(_has_format, schema.values()))


def _pattern(_: Any, pattern: str, text: Any, __: Any) -> Any:
    if isinstance(text, str) and not regex(pattern).search(units(text)):
        yield jsonschema.ValidationError(f"does not match {pattern}")


def _is_number(_: Any, value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _is_scalar(value: Any) -> bool:
    return _is_text(value) or (isinstance(value, (int, float)) and not isinstance(value, bool))


def _is_list(value: Any) -> bool:
    if isinstance(value, list):
        return all(each == "" or _is_scalar(each) for each in value)
    return _is_text(value) and '"' not in value


VALIDATOR = jsonschema.validators.extend(
    jsonschema.Draft7Validator,
    {"pattern": _pattern},
    type_checker=jsonschema.Draft7Validator.TYPE_CHECKER.redefine("number", _is_number),
)
JUDGES: dict[str, Callable[[str, dict[str, Any]], bool]] = {
    "equals": _equals,
    "contains": _contains(any, fold=False),
    "icontains": _contains(any, fold=True),
    "contains-any": _contains(any, fold=False),
    "contains-all": _contains(all, fold=False),
    "icontains-any": _contains(any, fold=True),
    "icontains-all": _contains(all, fold=True),
    "starts-with": lambda output, assertion: output.startswith(assertion["value"]),
    "regex": lambda output, assertion: bool(regex(assertion["value"]).search(units(output))),
    "is-json": _is_json,
    "contains-json": _contains_json,
    "levenshtein": _levenshtein,
}
VALUES: dict[str, Callable[[Any], bool]] = {
    "equals": lambda value: isinstance(value, (str, bool, int, float, list, dict)),
    "contains": _is_scalar,
    "icontains": _is_scalar,
    "contains-any": _is_list,
    "contains-all": _is_list,
    "icontains-any": _is_list,
    "icontains-all": _is_list,
    "starts-with": _is_text,
    "regex": _is_text,
    "is-json": lambda value: value is None or isinstance(value, dict),
    "contains-json": lambda value: value is None or isinstance(value, dict),
    "levenshtein": lambda value: isinstance(value, str),
}
