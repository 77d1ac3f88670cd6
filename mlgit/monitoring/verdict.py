"""The verdict about one window, as it is written down: a function of data and sketch, with no clock but the data's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from mlgit import errors
from mlgit.errors import MlgitError

SCHEMA = 1

VerdictWord = Literal["quiet", "watch", "page", "cannot_tell"]
ContractState = Literal["pass", "warn", "fail", "absent"]
# How a p-value was found.
Method = Literal["rank", "local rank", "gumbel", "local gumbel", "permutation", "holm", ""]
# What alarmed, the worst first.
# What answers are called among the columns, where no column of data can be called so.
PREDICTION, SCORE = "(prediction)", "(score)"

Severity = Literal["contract", "metric", "estimated metric", "prediction drift", "feature drift", ""]


@dataclass(frozen=True, slots=True)
class WindowName:
    """Which window was judged: `since` and `until` are of its rows, '' where they have no time."""

    name: str
    digest: str
    rows: int
    since: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """How far a column is from the reference: its score in units of what quiet batches vary by, and in people's words.

    `pvalue` is None where the method gives one for all columns only. `effect` is a size ("mean +0.31 sd"), `note` what moved
    ("new level 'EUR', 14 rows"); `importance` is the share of the model's, None where it is not known.
    """

    name: str
    score: float
    pvalue: float | None = None
    effect: str = ""
    note: str = ""
    importance: float | None = None


@dataclass(frozen=True, slots=True)
class MonitoredMetric:
    """A metric or KPI of one window: with its interval, and beside what it was at release.

    `is_estimated`: no label was needed, and a changed relation of input and truth is not seen. `is_broken`: the interval is
    beyond what the gate's rule, or the KPI's limit, allows.
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    confidence_level: float = 0.95
    n: int = 0
    baseline: float | None = None
    kind: Literal["metric", "kpi"] = "metric"
    is_estimated: bool = False
    is_broken: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class SmallestShift:
    """The smallest changes that a window of this size would show in four of five cases.

    `mean` in standard deviations of a number, `share` of rows that move to one level of a category; None where there is no such
    column, or no change that was tried is seen.
    """

    mean: float | None = None
    share: float | None = None


@dataclass(frozen=True, slots=True)
class MonitorVerdict:
    """What was found about a window of the version that an environment has.

    `model_digest` is that of the released model; with the digest of the window it names the verdict. `alpha` is the share of
    quiet windows that may alarm, `is_extrapolated` whether fewer batches than 1/alpha stand behind `pvalue`. `martingale` is
    the evidence that has gathered against "nothing changed" over all windows, from a `conformal_pvalue` of each: at 100 it
    pages. `reason` says why.
    """

    model: str
    environment: str
    version: str
    model_digest: str
    window: WindowName
    verdict: VerdictWord
    severity: Severity = ""
    pvalue: float | None = None
    alpha: float | None = None
    method: Method = ""
    is_extrapolated: bool = False
    n_batches: int = 0
    martingale: float | None = None
    conformal_pvalue: float | None = None
    columns: tuple[ColumnDrift, ...] = ()
    contract: ContractState = "absent"
    metrics: tuple[MonitoredMetric, ...] = ()
    smallest_shift: SmallestShift | None = None
    blind_to: tuple[str, ...] = ()
    reason: str = ""
    notes: tuple[str, ...] = field(default=())

    @property
    def exit_code(self) -> int:
        """No for an alarm; no answer where it cannot be told."""
        if self.verdict == "cannot_tell":
            return errors.EXIT_CANNOT_ANSWER
        return errors.EXIT_YES if self.verdict == "quiet" else errors.EXIT_NO

    def document(self) -> dict[str, Any]:
        """The verdict as JSON: schema 1."""
        found = asdict(self)
        window = found.pop("window")
        return {
            "schema": SCHEMA,
            **found,
            "window": {
                "name": window["name"],
                "digest": window["digest"],
                "rows": window["rows"],
                "from": window["since"] or None,
                "to": window["until"] or None,
            },
            "columns": [asdict(each) for each in self.columns],
            "metrics": [asdict(each) for each in self.metrics],
            "blind_to": list(self.blind_to),
            "notes": list(self.notes),
        }


def of_document(document: Mapping[str, Any], *, where: str) -> MonitorVerdict:
    """The verdict that was written down. Raises MlgitError for what is none, or is of a later mlgit."""
    if not isinstance(document, Mapping) or document.get("schema") != SCHEMA:
        raise MlgitError(f"{where}: not a verdict of schema {SCHEMA}", "a newer mlgit wrote it: update mlgit")
    given = _known(MonitorVerdict, document)
    try:
        window = document["window"]
        shift = document.get("smallest_shift")
        return MonitorVerdict(
            **given
            | {
                "window": WindowName(
                    window["name"], window["digest"], window["rows"], window["from"] or "", window["to"] or ""
                ),
                "columns": tuple(ColumnDrift(**_known(ColumnDrift, each)) for each in document["columns"]),
                "metrics": tuple(MonitoredMetric(**_known(MonitoredMetric, each)) for each in document["metrics"]),
                "smallest_shift": SmallestShift(**_known(SmallestShift, shift)) if shift else None,
                "blind_to": tuple(document["blind_to"]),
                "notes": tuple(document["notes"]),
            }
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise MlgitError(f"{where}: not a verdict: {error}", "`git log` of the ref tells who wrote it") from error


def _known(kind: type[Any], document: Mapping[str, Any]) -> dict[str, Any]:
    """What this mlgit knows of a document: a later one may add keys."""
    return {key: value for key, value in document.items() if key in kind.__dataclass_fields__}
