"""The keys of mlgit.yaml under `monitoring:`: what is watched after a release, how often it may alarm for nothing, and then."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from mlgit.errors import MlgitError
from mlgit.schema import Either, Integer, Key, ListOf, MapOf, Number, Table, Text, near_miss

_DAYS = r"[1-9][0-9]{0,4}d"
_ENVIRONMENT_VARIABLE = r"[A-Za-z_][A-Za-z0-9_]*"
_FALSE_ALARMS = r"[0-9]{1,4}(\.[0-9]{1,4})? per (year|quarter|month)"
_PER_YEAR = {"year": 1, "quarter": 4, "month": 12}
# The mean lengths of the Gregorian calendar.
_CUTS_PER_YEAR = {"hour": 8765.82, "day": 365.2425, "week": 52.1775, "month": 12.0}

_WINDOWS = Table(
    (
        Key(
            "path", Either((Text(), ListOf(Text()))), "files, folders, globs or prediction logs with what is asked and answered"
        ),
        Key("url_env", Text(pattern=_ENVIRONMENT_VARIABLE), "the environment variable with the address of a database"),
        Key("query", Text(), "the SELECT that is asked of that database"),
        Key("by", Text(), "how rows are cut into windows: hour|day|week|month(COLUMN), COLUMN, or rows(N)"),
        Key("min_rows", Integer(minimum=1), "a smaller window is not judged, default 30"),
    )
)

_LABELS = Table(
    (
        Key("path", Text(), "the table with what turned out to be true", required=True),
        Key("id", Text(), "its column with the ids of the prediction log, default request_id"),
        Key("label", Text(), "its column with the truth, default the label of the model"),
        Key("lag", Text(pattern=_DAYS), "how long it takes until a label is known, as 30d; default none"),
    )
)

_KPI = Table(
    (
        Key("expression", Text(), "an aggregate of columns of log and labels, as sum(amount * (label == 1))", required=True),
        Key("direction", Text(choices=("higher", "lower")), "which way is better: higher or lower", required=True),
        Key("limit", Number(), "the value that must not be passed"),
    )
)

_TRIGGERS = Table(
    (
        Key("drift", Text(choices=("watch", "page")), "retrain when data drift: at the first alarm, or at the certain one"),
        Key("metric", Text(), "the id of a gate rule: retrain when released models do not keep it"),
        Key("kpi", Text(), "a key of kpis: retrain when its limit is passed"),
        Key("age", Text(pattern=_DAYS), "retrain when the version in production is older, as 90d"),
        Key(
            "new_rows",
            Either((Text(pattern=r"[0-9]{1,6}(\.[0-9]{1,4})?%"), Integer(minimum=1))),
            "retrain when there are so many rows more than it was trained with, as 20%",
        ),
        Key("cooldown", Text(pattern=_DAYS), "no second pull request within so many days, default 14d"),
    )
)

SCHEMA = Table(
    (
        Key("environment", Text(), "whose version is watched, default the last declared environment"),
        Key("sketch", Text(), "what the training data looked like, default monitoring/NAME.sketch.json"),
        Key("windows", _WINDOWS, "where the data of today are, and how they are cut"),
        Key(
            "columns",
            Table(
                (
                    Key("exclude", ListOf(Text()), "columns that are not watched"),
                    Key("importance", Text(), "a JSON file of the pipeline: column -> importance"),
                )
            ),
            "which columns are watched, default all of the contract but ids and those absent at serving",
        ),
        Key("labels", _LABELS, "what turned out to be true"),
        Key("false_alarms", Text(pattern=_FALSE_ALARMS), "how many alarms about nothing are bearable, default 1 per year"),
        Key("fallback", Text(choices=("none", "holm")), "what fewer than 20 batches of reference get, default none"),
        Key("kpis", MapOf(_KPI), "name -> what the answers are worth"),
        Key("triggers", _TRIGGERS, "when one retrain pull request is opened"),
    )
)

CutKind = Literal["hour", "day", "week", "month", "value", "rows", "whole"]


@dataclass(frozen=True, slots=True)
class Cut:
    """How rows become windows: by a time in `column`, by its values, by every `rows` rows, or not at all (`whole`)."""

    kind: CutKind = "whole"
    column: str = ""
    rows: int = 0

    @property
    def per_year(self) -> float | None:
        """How many windows a year has; None where only the data tell."""
        return _CUTS_PER_YEAR.get(self.kind)

    def __str__(self) -> str:
        if self.kind in ("whole", "value"):
            return self.column
        return f"{self.kind}({self.column or self.rows})"


@dataclass(frozen=True, slots=True)
class WindowSource:
    """Where the data of windows lie: paths, or a database by the environment variable with its address and a query."""

    paths: tuple[str, ...] = ()
    url_env: str = ""
    query: str = ""
    by: Cut = field(default_factory=Cut)
    min_rows: int = 30


@dataclass(frozen=True, slots=True)
class LabelSource:
    """Where the truth about predictions lies; `label` '' is the model's own, `lag` is in days."""

    path: str
    id: str = "request_id"
    label: str = ""
    lag: int = 0


@dataclass(frozen=True, slots=True)
class Kpi:
    """What answers are worth: an aggregate of the rows of log and labels, and the value that must not be passed (None: any)."""

    name: str
    expression: str
    direction: Literal["higher", "lower"]
    limit: float | None = None

    @property
    def metric(self) -> str:
        """What it is called among metrics: in gate rules, on cards and in the sketch."""
        return f"kpi.{self.name}"

    def is_broken(self, value: float) -> bool:
        """Whether a value is beyond the limit."""
        if self.limit is None:
            return False
        return value > self.limit if self.direction == "lower" else value < self.limit


@dataclass(frozen=True, slots=True)
class Triggers:
    """When a model is trained anew: by drift ('' not), the id of a gate rule, a KPI, its age in days, or new rows.

    `new_rows` is a share of the rows that it was trained with where `is_share`, else a number; None for not at all.
    """

    drift: Literal["", "watch", "page"] = ""
    metric: str = ""
    kpi: str = ""
    age: int | None = None
    new_rows: float | None = None
    is_share: bool = False
    cooldown: int = 14

    @property
    def are_declared(self) -> bool:
        """Whether there is any."""
        return bool(self.drift or self.metric or self.kpi or self.age is not None or self.new_rows is not None)


@dataclass(frozen=True, slots=True)
class Monitoring:
    """How a model is watched. `false_alarms` are per year, `declared` whether mlgit.yaml says anything about this model."""

    model: str
    environment: str = ""
    sketch: str = ""
    windows: WindowSource = field(default_factory=WindowSource)
    exclude: tuple[str, ...] = ()
    importance: str = ""
    labels: LabelSource | None = None
    false_alarms: float = 1.0
    fallback: Literal["none", "holm"] = "none"
    kpis: Mapping[str, Kpi] = field(default_factory=dict)
    triggers: Triggers = field(default_factory=Triggers)
    declared: bool = False

    @property
    def alpha(self) -> float | None:
        """The share of quiet windows that may alarm: false alarms a year by windows a year; None where only data tell those."""
        per_year = self.windows.by.per_year
        return None if per_year is None else min(self.false_alarms / per_year, 0.5)


def parse(
    name: str,
    declared: Mapping[str, Any] | None,
    *,
    where: str = "",
    environments: Sequence[str] = (),
    rules: Collection[str] = (),
) -> Monitoring:
    """How an artifact is watched, by a checked document (None: nothing is declared).

    `environments` and `rules` are the names of those that there are. Raises MlgitError for one that is not there.
    """
    given = declared or {}
    environment = given.get("environment", environments[-1] if environments else "")
    if environments and environment not in environments:
        raise MlgitError(
            f"{where}.environment: '{environment}' is not declared under `environments:`{near_miss(environment, environments)}",
            f"add `- {{name: {environment}}}` there",
        )
    local = name.rpartition(":")[2]
    columns, kpis = given.get("columns", {}), given.get("kpis", {})
    return Monitoring(
        name,
        environment,
        given.get("sketch", f"monitoring/{local}.sketch.json"),
        _windows(given.get("windows", {}), where=f"{where}.windows"),
        tuple(columns.get("exclude", ())),
        columns.get("importance", ""),
        _labels(given["labels"]) if "labels" in given else None,
        _per_year(given.get("false_alarms", "1 per year"), where=where),
        given.get("fallback", "none"),
        {each: Kpi(each, of["expression"], of["direction"], of.get("limit")) for each, of in kpis.items()},
        _triggers(given.get("triggers", {}), where=f"{where}.triggers", rules=rules, kpis=kpis),
        declared is not None,
    )


def _per_year(text: str, *, where: str) -> float:
    number, _, period = text.partition(" per ")
    found = float(number) * _PER_YEAR[period]
    if not found:
        raise MlgitError(
            f"{where}.false_alarms: {text}: a monitor that never alarms for nothing never alarms",
            "`1 per year` is the default; `0.1 per year` is one in ten years",
        )
    return found


def cut(text: str, *, where: str = "") -> Cut:
    """How rows become windows, as `by:` has it; '' for not at all. Raises MlgitError for another form."""
    found = re.fullmatch(r"(\w+)\((.*)\)", text.strip(), re.DOTALL)
    if not text.strip():
        return Cut()
    if not found:
        return Cut("value", text.strip())
    kind, inner = found[1], found[2].strip()
    if kind == "rows" and re.fullmatch(r"[1-9][0-9]{0,8}", inner):
        return Cut("rows", rows=int(inner))
    if kind in _CUTS_PER_YEAR and inner:
        return Cut(kind, inner)  # type: ignore[arg-type]
    raise MlgitError(f"{where}: '{text}' says not how rows are cut", "write hour|day|week|month(COLUMN), COLUMN, or rows(N)")


def _windows(declared: Mapping[str, Any], *, where: str) -> WindowSource:
    paths = declared.get("path", ())
    paths = (paths,) if isinstance(paths, str) else tuple(paths)
    if paths and ("url_env" in declared or "query" in declared):
        raise MlgitError(f"{where}: both `path` and a database", "take out `path:`, or `url_env:` and `query:`")
    if ("url_env" in declared) != ("query" in declared):
        lacking = "query" if "url_env" in declared else "url_env"
        raise MlgitError(f"{where}.{lacking}: missing", "a database needs `url_env:` with its address, and `query:`")
    return WindowSource(
        paths,
        declared.get("url_env", ""),
        declared.get("query", ""),
        cut(declared.get("by", ""), where=f"{where}.by"),
        declared.get("min_rows", 30),
    )


def _labels(declared: Mapping[str, Any]) -> LabelSource:
    lag = int(declared["lag"].removesuffix("d")) if "lag" in declared else 0
    return LabelSource(declared["path"], declared.get("id", "request_id"), declared.get("label", ""), lag)


def _triggers(declared: Mapping[str, Any], *, where: str, rules: Collection[str], kpis: Collection[str]) -> Triggers:
    for key, known, place in (("metric", rules, "gates.rules"), ("kpi", kpis, "kpis")):
        named = declared.get(key, "")
        if named and named not in known:
            raise MlgitError(
                f"{where}.{key}: '{named}' is not in {place}{near_miss(named, known)}",
                f"declare it there, or take out `{key}:`",
            )
    wanted = declared.get("new_rows")
    is_share = isinstance(wanted, str)
    new_rows = None if wanted is None else float(wanted[:-1]) / 100 if is_share else float(wanted)
    age = int(declared["age"].removesuffix("d")) if "age" in declared else None
    cooldown = int(declared.get("cooldown", "14d").removesuffix("d"))
    return Triggers(
        declared.get("drift", ""), declared.get("metric", ""), declared.get("kpi", ""), age, new_rows, is_share, cooldown
    )
