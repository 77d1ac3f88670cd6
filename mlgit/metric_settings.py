"""The keys of mlgit.yaml under `metrics:`: which way a metric is better, and what it is made of where its name does not say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from mlgit.errors import MlgitError
from mlgit.schema import Boolean, Either, Integer, Key, Number, Table, Text

Direction = Literal["higher", "lower"]

_AGGREGATE = r"mean|sum|median|share|ratio|p[1-9][0-9]?"
_SHARE = r"[0-9]{1,2}(\.[0-9]{1,4})?%"

SCHEMA = Table(
    (
        Key("direction", Text(choices=("higher", "lower")), "which way is better: higher or lower", required=True),
        Key("of", Text(), "the built-in metric that it is, where its name does not say so, such as recall_at_k"),
        Key("k", Integer(minimum=1), "how many of the first rows, classes or tries count"),
        Key("at", Number(minimum=0, maximum=1), "the precision that is kept, or the share of rows that counts"),
        Key("beta", Number(minimum=0), "f_beta: how much recall weighs"),
        Key("class", Either((Text(), Number(), Boolean())), "the class that is looked at, against all others"),
        Key("bins", Integer(minimum=2), "ece: the number of bins, default 10"),
        Key("level", Number(minimum=0, maximum=1), "that of a quantile, or the share an interval should hold"),
        Key("column", Text(), "the column of the predictions with its value for each row"),
        Key(
            "aggregate",
            Text(pattern=_AGGREGATE),
            "what becomes of the rows: mean (default), sum, median, share, p1 to p99, or ratio",
        ),
        Key("per", Text(), "ratio: the column whose sum the sum of `column` is divided by"),
        Key("expression", Text(), "an aggregate of columns, as sum(amount * (label == 1) * (prediction == 0))"),
        Key(
            "max_missing",
            Text(pattern=_SHARE),
            "the largest share of rows without a value that may be left out, such as 2%; default none",
        ),
    )
)

# What a built-in metric may be told.
_PARAMETERS = ("k", "at", "beta", "class", "bins", "level")
# Beyond these, memory and numbers end, and no metric differs any more.
_MOST = {"k": 1_000_000_000, "beta": 1_000_000, "bins": 10_000}


class MetricDeclaration(NamedTuple):
    """What mlgit.yaml says of a metric; which way it is better, and what it is made of where that is said.

    `of` is a built-in metric and `parameters` what it is told, as (name, value); `column`, `aggregate` and `per`, or else
    `expression`, make one of columns; an `aggregate` of '' is the mean, and nobody said so. `max_missing` is a share of the
    rows, 0 to 1.
    """

    name: str
    direction: Direction
    of: str = ""
    parameters: tuple[tuple[str, Any], ...] = ()
    column: str = ""
    aggregate: str = ""
    per: str = ""
    expression: str = ""
    max_missing: float = 0.0

    @property
    def is_made(self) -> bool:
        """Whether more than a direction is declared."""
        return bool(self.of or self.parameters or self.column or self.expression)


def parse(name: str, declared: Mapping[str, Any], *, where: str) -> MetricDeclaration:
    """A checked declaration. Raises MlgitError for keys that do not go together."""
    parameters = tuple((key, declared[key]) for key in _PARAMETERS if key in declared)
    for key, most in _MOST.items():
        if declared.get(key, 0) > most:
            raise MlgitError(f"{where}.{key}: {declared[key]} is above {most}", f"write at most {most}")
    if "expression" in declared and (foreign := sorted(declared.keys() & {"of", "column", "aggregate", "per", *_PARAMETERS})):
        raise MlgitError(f"{where}.{foreign[0]}: an expression says all of it", "take one of the two out")
    if "column" not in declared and (foreign := sorted(declared.keys() & {"aggregate", "per"})):
        raise MlgitError(f"{where}.{foreign[0]}: of which column is not said", "add `column:`")
    if parameters and "column" in declared and "of" not in declared:
        raise MlgitError(f"{where}.{parameters[0][0]}: an aggregate of a column takes none", "add `of:`, or take it out")
    if "of" in declared and (foreign := sorted(declared.keys() & {"aggregate", "per"})):
        raise MlgitError(f"{where}.{foreign[0]}: {declared['of']} says what becomes of the rows", "take one of the two out")
    is_ratio = declared.get("aggregate") == "ratio"
    if is_ratio != ("per" in declared):
        what, hint = "only a ratio takes it", "add `aggregate: ratio`"
        if is_ratio:
            what, hint = "missing", "add `per:`, the column to divide by"
        raise MlgitError(f"{where}.per: {what}", hint)
    return MetricDeclaration(
        name,
        declared["direction"],
        declared.get("of", ""),
        parameters,
        declared.get("column", ""),
        declared.get("aggregate", ""),
        declared.get("per", ""),
        declared.get("expression", ""),
        float(declared["max_missing"].rstrip("%")) / 100 if "max_missing" in declared else 0.0,
    )
