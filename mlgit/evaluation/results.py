"""What an evaluation found: metrics of models with intervals, compared row by row where that could be done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from mlgit.render.text import count

if TYPE_CHECKING:
    from mlgit.statistics.comparison import Comparison

Part = tuple[tuple[str, str], ...]
ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class SliceGap:
    """How far the slice with the higher value is from another one, with the ends of an interval two-sided at 1 - 2 alpha.

    `least` is the lower end that heeds how many pairs are looked at (Holm), if it may be above the limit. Ends are None where
    a slice has no interval.
    """

    high: Part
    low: Part
    width: float
    lower: float | None
    upper: float | None
    least: float | None
    rows: int


@dataclass(frozen=True, slots=True)
class SliceGaps:
    """The values of slices that are large enough, and their pairs; `without` those that have no value.

    `draws` is the least number of draws that an interval rests on, 0 where none were made. `few` says of which slices too few
    rows decide for them to show anything good.
    """

    values: Mapping[Part, float]
    pairs: tuple[SliceGap, ...]
    without: tuple[Part, ...] = ()
    draws: int = 0
    few: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class MetricEvidence:
    """What is known for a rule: a comparison of rows (its interval two-sided at 1 - 2 alpha), or single numbers.

    `trouble` says why there is no comparison though there should be one; `is_first` that no baseline exists. `parts` holds
    comparisons by slice (with the p-value of the rule's margin), `missing` the slices only the baseline has, `small` those
    with too few rows to be judged, `set_aside` those that a waiver names. `interval` is that of the current value itself,
    `no_interval` why there is none, `doubt` why it shows nothing good though it is there; `n` counts the rows behind it,
    `n_test` those of the test data where numbers were recorded.
    `is_exact`: the numbers are counted and not estimated. `settle` is what would give rows.
    `alpha` is the accepted chance of showing a harm that is not there. `same` says what is the same, if nothing that the metric
    could see differs: then no model is worse than the other. `harm` are the p-values of
    slices adjusted for the `tests` of all rules in which any harm is an alarm; without it those of this rule alone count.
    `gaps` are the pairs of slices of a rule about how far apart they are.
    """

    comparison: Comparison | None = None
    better: Literal["higher", "lower"] | None = None
    baseline: float | None = None
    current: float | None = None
    interval: tuple[float, float] | None = None
    no_interval: str = ""
    doubt: str = ""
    is_first: bool = False
    trouble: str = ""
    parts: Mapping[Part, Comparison] | None = None
    missing: tuple[Part, ...] = ()
    small: tuple[Part, ...] = ()
    set_aside: frozenset[Part] = frozenset()
    alpha: float = ALPHA
    same: str = ""
    harm: Mapping[Part, float] | None = None
    tests: int = 0
    gaps: SliceGaps | None = None
    n: int = 0
    n_test: int = 0
    is_exact: bool = False
    settle: str = ""


Pairing = Literal["paired", "re-evaluated", "unpaired", "unverified", "first", "invalid"]
Standing = Literal[
    "better",
    "worse",
    "not shown (after adjustment)",
    "no worse",
    "same",
    "inconclusive",
    "unverified",
    "first",
    "invalid",
    "changed",
]


@dataclass(frozen=True, slots=True)
class RowChanges:
    """What became of `before` rows: so many are `gone`, and so many of the others `relabelled`; `added` are new."""

    before: int
    gone: int = 0
    added: int = 0
    relabelled: int = 0

    @property
    def told(self) -> str:
        """In words, '' where no row changed."""
        are = "is" if self.gone == 1 else "are"
        told = [f"{self.gone:,} of {count(self.before, 'row')} {are} gone"] if self.gone else []
        told += [f"{self.added:,} {'is' if self.added == 1 else 'are'} new"] if self.added else []
        told += [f"{self.relabelled:,} {'has' if self.relabelled == 1 else 'have'} another label"] if self.relabelled else []
        return ", ".join(told)


@dataclass(frozen=True, slots=True)
class TestedRows:
    """The rows a model was judged on. `judged` counts the other models these very rows have judged, `uncounted` says why not;
    where that is not all here, `is_at_least`.

    `how`: paired by `key`; re-evaluated (the baseline model on the current rows, then paired); unpaired (different rows);
    unverified (single numbers only); first (no baseline); invalid (`trouble` says why). The rows are grouped into `clusters`
    by the column `cluster`, or in time by `order`, if these are not ''. `seeds` and `folds` count the current files of
    predictions where there are several. `changes` is what became of the rows, `judging` what of
    code, commands and parameters judges otherwise than at the baseline, `remarks` what no predictions should be.
    """

    model: str
    how: Pairing
    key: str = ""
    n: int = 0
    is_changed: bool = False
    digest: str = ""
    judged: int = 0
    is_at_least: bool = False
    uncounted: str = ""
    trouble: str = ""
    cluster: str = ""
    clusters: int = 0
    order: str = ""
    changes: RowChanges | None = None
    judging: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    seeds: int = field(default=0, metadata={"later": True})
    folds: int = field(default=0, metadata={"later": True})

    @property
    def rows(self) -> str:
        """How many rows there are, in which groups or order, as a reader wants it."""
        told = f"{self.n:,} {'row' if self.n == 1 else 'rows'}"
        told += f", {self.seeds} seeds each" if self.seeds else f", {self.folds} folds" if self.folds else ""
        if self.cluster:
            return f"{told} in {self.clusters:,} {'cluster' if self.clusters == 1 else 'clusters'} by {self.cluster}"
        return f"{told} in the order of {self.order}" if self.order else told


@dataclass(frozen=True, slots=True)
class Leakage:
    """Of `of` test rows of a model, those that its training data has (`leaked`): `rows` of them whole, without the column that
    names them, `ids` by that name.

    `leaked` is None where nobody could look, and `unchecked` says why.
    """

    model: str
    leaked: int | None = None
    rows: int = 0
    ids: int = 0
    of: int = 0
    unchecked: str = ""

    @property
    def told(self) -> str:
        """What was counted, or why nothing was."""
        if self.leaked is None:
            return f"leakage was not looked for: {self.unchecked}"
        if not self.leaked:
            return f"none of {count(self.of, 'test row')} is in the training data"
        are = "is" if self.leaked == 1 else "are"
        how = [f"{self.rows:,} whole rows"] if self.rows else []
        how += [f"{self.ids:,} by id"] if self.ids else []
        return f"{self.leaked:,} of {count(self.of, 'test row')} {are} in the training data ({', '.join(how)})"


@dataclass(frozen=True, slots=True)
class MetricResult:
    """A metric on both sides: current - baseline with its interval, and what that means given the declared direction.

    `smallest` is the smallest difference these rows could show in four of five cases; `method` names the test, and
    `pvalue` is the two-sided one of no difference, `pvalue_adjusted` the same for all metrics of all models looked at together.
    `about` says whether recipes or single files were compared, where a side has several.
    """

    model: str
    metric: str
    standing: Standing
    better: Literal["higher", "lower"] | None = None
    baseline: float | None = None
    current: float | None = None
    delta: float | None = None
    low: float | None = None
    high: float | None = None
    confidence_level: float = 1 - 2 * ALPHA
    n: int = 0
    n_discordant: int = 0
    smallest: float | None = None
    method: str = ""
    is_gated: bool = False
    reason: str = ""
    pvalue: float | None = None
    pvalue_adjusted: float | None = None
    about: str = field(default="", metadata={"later": True})


def remarks(found: Iterable[MetricResult], *, tested: Iterable[TestedRows]) -> dict[str, list[str]]:
    """What has to be known of numbers to read them right, each with the metrics of which it holds.

    What comparisons of several seeds or folds are about, what was left out, and why there is no number. What stands beside the
    rule or the rows is not told again.
    """
    told: dict[str, list[str]] = {}
    known = {each.trouble for each in tested}
    for each in found:
        is_silent = each.is_gated if each.standing == "invalid" else each.standing in ("unverified", "first", "changed")
        for text in (each.about, "" if is_silent else each.reason):
            if text and text not in known:
                told.setdefault(text, []).append(each.metric)
    return told


@dataclass(frozen=True, slots=True)
class Flips:
    """Pairing whose prediction became right (`fixed`) or wrong (`broken`): their numbers, and the keys of the first of them."""

    model: str
    fixed: int
    broken: int
    fixed_keys: tuple[str, ...] = ()
    broken_keys: tuple[str, ...] = ()
