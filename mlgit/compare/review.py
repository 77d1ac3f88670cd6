"""What a review found: the verdict on a change, and all that a reader needs to trust it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mlgit.compare.gates import ALPHA, Judged, Verdict

Found = Literal["merge base", "nearest ancestor", "named"]
Rows = Literal["paired", "re-evaluated", "unpaired", "unverified", "first", "invalid"]
Standing = Literal["better", "worse", "no worse", "same", "cannot tell", "unverified", "first", "invalid", "changed"]


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the current side is compared with, and how it was found.

    `distance` is the number of commits from it to the merge base that was wanted (0: it is the one), `age_days` that between
    its commit and the current one, `is_old` whether that is more than `gates.baseline.max_age`.
    """

    name: str
    commit: str
    found: Found
    distance: int = 0
    age_days: int = 0
    is_old: bool = False


@dataclass(frozen=True, slots=True)
class Tested:
    """The rows a model was judged on. `judged` counts the different models these very rows have judged before, by history;
    where that is not all here, `is_at_least`.

    `how`: paired by `key`; re-evaluated (the baseline model on the current rows, then paired); unpaired (different rows);
    unverified (single numbers only); first (no baseline); invalid (`trouble` says why).
    """

    model: str
    how: Rows
    key: str = ""
    n: int = 0
    is_changed: bool = False
    digest: str = ""
    judged: int = 0
    is_at_least: bool = False
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """A metric on both sides: current - baseline with its interval, and what that means given the declared direction.

    `smallest` is the smallest difference these rows could prove in four of five cases; `method` names the test.
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


@dataclass(frozen=True, slots=True)
class Turned:
    """Rows whose prediction became right (`fixed`) or wrong (`broken`): their numbers, and the keys of the first of them."""

    model: str
    fixed: int
    broken: int
    fixed_keys: tuple[str, ...] = ()
    broken_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Moved:
    """How a table of data changed: rows, columns and, where both sides could be read, how far each column's values moved.

    `moved` is the population stability index by column, largest first.
    """

    path: str
    rows_before: int | None = None
    rows_now: int | None = None
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    retyped: tuple[str, ...] = ()
    moved: tuple[tuple[str, float], ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RuleChange:
    """A gate rule or waiver that the current side declares otherwise than the baseline, whose rules judge."""

    id: str
    change: Literal["added", "removed", "changed"]
    before: str = ""
    now: str = ""


@dataclass(frozen=True, slots=True)
class Review:
    """The verdict and its grounds. `rules_from` names the revision whose rules judged."""

    verdict: Verdict
    judged: tuple[Judged, ...] = ()
    baseline: Baseline | None = None
    tested: tuple[Tested, ...] = ()
    metrics: tuple[Measured, ...] = ()
    turned: tuple[Turned, ...] = ()
    data: tuple[Moved, ...] = ()
    rule_changes: tuple[RuleChange, ...] = ()
    rules_from: str = ""
    labels: tuple[str, ...] = ()
    resamples: int = 9999
    seed: int = 0
    notes: tuple[str, ...] = ()
