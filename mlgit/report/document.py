"""A report: everything a reviewer is told about a change, as values that JSON has.

It travels from a job that ran a stranger's code to one that may write into the pull request. So what is read back is held
to the very types below, and to limits of size; nothing in it says where it may be shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from mlgit.errors import MlgitError
from mlgit.evaluation.results import Flips, Leakage, MetricResult, TestedRows
from mlgit.gate.review import RuleChange
from mlgit.gate.rule_result import RuleResult
from mlgit.report import codec
from mlgit.revision.refs import Baseline
from mlgit.tables.drift import TableDrift
from mlgit.validation.evolution import Evolution

MAX_BYTES = 1 << 20
MAX_LINES = 20

State = Literal["compared", "nothing changed", "first", "run failed", "invalid"]


@dataclass(frozen=True, slots=True)
class Side:
    """A revision: its commit (40 or 64 hex digits, '' for the workspace), and what people call it."""

    commit: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """The run of CI that made the report: `number` grows with each run, `attempt` with each repetition of one."""

    number: int = 0
    attempt: int = 1
    id: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter that differs; '' where a side has none."""

    name: str
    old: str = ""
    new: str = ""
    change: Literal["added", "removed", "changed"] = "changed"


@dataclass(frozen=True, slots=True)
class StageRun:
    """A stage: what became of it, why, and how many seconds it took now and on the baseline, where that is known."""

    name: str
    state: str
    why: tuple[str, ...] = ()
    seconds: float | None = None
    seconds_before: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a plot, by the side it comes from; None where it has no value."""

    name: str
    values: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Plot:
    """Lines whose values stand at even places from `first` to `last` (None: 1, 2, 3 ...); `x` and `y` name the axes."""

    title: str
    lines: tuple[Line, ...] = ()
    x: str = ""
    y: str = ""
    first: float = 1.0
    last: float | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """A named value: a digest, a version, a setting."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class PickedTrial:
    """A trial that became part of the change: one of so many, how those were searched, and what is to be said of it."""

    name: str
    n_trials: int = 1
    sampler: str = ""
    space: tuple[str, ...] = ()
    commit: str = ""
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """A stage that failed, with the last lines of what it said."""

    stage: str
    command: str = ""
    code: int = 0
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """All of it. Sequences are in the order in which they are shown.

    `verdict` is '' where nothing was judged. `is_self_reported`: the job that made it ran code that nobody had read.
    """

    schema: Literal[1] = 1
    mlgit: str = ""
    key: str = "default"
    state: State = "compared"
    verdict: Literal["pass", "warn", "fail", "invalid", ""] = ""
    head: Side = field(default_factory=Side)
    base: Baseline | None = None
    run: Run = field(default_factory=Run)
    is_self_reported: bool = False
    failure: Failure | None = None
    rules: tuple[RuleResult, ...] = ()
    rule_changes: tuple[RuleChange, ...] = ()
    rules_from: str = ""
    metrics: tuple[MetricResult, ...] = ()
    tested: tuple[TestedRows, ...] = ()
    leakage: tuple[Leakage, ...] = ()
    turned: tuple[Flips, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    trials: tuple[PickedTrial, ...] = ()
    data: tuple[TableDrift, ...] = ()
    n_data: int = 0
    contracts: tuple[Evolution, ...] = ()
    stages: tuple[StageRun, ...] = ()
    card: tuple[str, ...] = ()
    plots: tuple[Plot, ...] = ()
    labels: tuple[str, ...] = ()
    resamples: int = 9999
    seed: int = 0
    provenance: tuple[Fact, ...] = ()
    notes: tuple[str, ...] = ()


def to_json(report: Report) -> str:
    """The report as one line of JSON that `from_json` takes: long texts are cut, and lists until all fits."""
    text = codec.dumps(report)
    longest = codec.MAX_ITEMS
    while len(text.encode()) > MAX_BYTES and longest:
        longest //= 2
        text = codec.dumps(_shortened(report, longest))
    return text


def _shortened(report: Report, longest: int) -> Report:
    note = f"the report was too large: no list in it has more than {longest} entries"
    cut: dict[str, Any] = {
        each.name: value[:longest] for each in fields(report) if isinstance(value := getattr(report, each.name), tuple)
    }
    cut["turned"] = tuple(
        replace(each, fixed_keys=each.fixed_keys[:longest], broken_keys=each.broken_keys[:longest]) for each in cut["turned"]
    )
    cut["data"] = tuple(
        replace(
            each,
            added=each.added[:longest],
            removed=each.removed[:longest],
            retyped=each.retyped[:longest],
            moved=each.moved[:longest],
        )
        for each in cut["data"]
    )
    cut["contracts"] = tuple(replace(each, changes=each.changes[:longest]) for each in cut["contracts"])
    cut["rules"] = tuple(replace(each, slices=each.slices[:longest]) for each in cut["rules"])
    cut["plots"] = tuple(
        replace(each, lines=tuple(replace(line, values=line.values[:longest]) for line in each.lines[:longest]))
        for each in cut["plots"]
    )
    return replace(report, **{**cut, "notes": (*report.notes[: min(longest, 8)], note)})


def from_json(content: str | bytes, *, source: str) -> Report:
    """The report in a file called `source`.

    Raises MlgitError for whatever `to_json` does not write: too many bytes, other keys or types, a key twice, numbers that
    are not finite or beyond what is sensible, control characters, long texts and lists.
    """
    data = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    if len(data) > MAX_BYTES:
        raise MlgitError(f"{source}: not a report of mlgit: {len(data)} bytes", f"a report has at most {MAX_BYTES} bytes")
    return codec.loads(Report, data, source=source)
