"""Trials beside each other: which are shown, in which order, with which columns, and which of them are best."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from mlgit.errors import MlgitError
from mlgit.experiments import pareto, trial_columns, trial_filter
from mlgit.experiments.trial import Trial
from mlgit.experiments.trial_columns import TrialColumn, as_float, sort_key

Better = Literal["higher", "lower"]
# The declared direction of a metric by its name; None where nobody declared one.
Directions = Callable[[str], Better | None]


@dataclass(frozen=True, slots=True)
class TableView:
    """What was asked for: rows by condition, search and status, their order, and columns by patterns.

    `sort` is a column, with `-` before it for the larger first; `order` says asc or desc outright. `top` is how many rows are
    shown at most. Without `everything` columns that are the same in all rows are left out.
    """

    condition: str = ""
    sweep: str = ""
    status: str = ""
    sort: str = ""
    order: Literal["", "asc", "desc"] = ""
    objective: str = ""
    only: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    everything: bool = False
    top: int | None = None


class TrialRow(NamedTuple):
    """A row: a trial or a baseline, the best by the order of the table, and whether no other is better in all objectives."""

    trial: Trial
    is_baseline: bool = False
    is_best: bool = False
    is_on_front: bool = False


@dataclass(frozen=True, slots=True)
class ComparedTrials:
    """Trials as they are shown. `columns` are those that differ, `same` those that do not.

    `objective` is what they are ordered by, where that has a direction; `objectives` are all metrics with a declared one. Of
    the trials `n_filtered` did not match, and `n_left_out` rows were cut off.
    """

    rows: tuple[TrialRow, ...] = ()
    columns: tuple[TrialColumn, ...] = ()
    same: tuple[TrialColumn, ...] = ()
    sorted_by: TrialColumn | None = None
    descending: bool = False
    objective: str = ""
    objectives: tuple[str, ...] = field(default_factory=tuple)
    n_left_out: int = 0
    n_filtered: int = 0

    @property
    def trials(self) -> tuple[Trial, ...]:
        """The trials alone, in order."""
        return tuple(row.trial for row in self.rows if not row.is_baseline)

    @property
    def baselines(self) -> tuple[Trial, ...]:
        """The baselines alone."""
        return tuple(row.trial for row in self.rows if row.is_baseline)

    @property
    def best(self) -> Trial | None:
        """The best trial; None without an order that says what is better."""
        return next((row.trial for row in self.rows if row.is_best), None)


class _Order(NamedTuple):
    by: TrialColumn | None
    descending: bool = False
    says_what_is_better: bool = False


def compare(trials: Sequence[Trial], baselines: Sequence[Trial], *, view: TableView, directions: Directions) -> ComparedTrials:
    """The table of these trials below their baselines.

    Raises MlgitError for columns that no trial has and for a condition that is not understood.
    """
    columns = trial_columns.columns_of([*baselines, *trials])
    shown = [each for each in trials if _is_shown(each, view)]
    shown = _filtered(shown, view.condition, columns)
    order = _order(shown, columns, view=view, directions=directions)
    ordered = _sorted(shown, order)
    kept = ordered if view.top is None else ordered[: view.top]
    chosen = _chosen(columns, view)
    differing = trial_columns.differing(chosen, [*baselines, *kept]) if not (view.everything or view.only) else chosen
    moved = [each for each in chosen if each in differing or each == order.by]
    objectives = tuple(each for each in columns if each.kind == "metric" and _direction(each.name, directions))
    front = _front(ordered, objectives, directions)
    best = _best(ordered, order)
    return ComparedTrials(
        rows=_rows(kept, baselines, best=best, front=front),
        columns=_objective_first(moved, order.by),
        same=tuple(each for each in chosen if each not in moved),
        sorted_by=order.by,
        descending=order.descending,
        objective=order.by.name if order.by and order.says_what_is_better else "",
        objectives=tuple(each.name for each in objectives),
        n_left_out=len(ordered) - len(kept),
        n_filtered=len(trials) - len(shown),
    )


def _best(ordered: Sequence[Trial], order: _Order) -> Trial | None:
    """The first that is finished: what one that runs has measured so far may get worse."""
    if order.by is None or not order.says_what_is_better:
        return None
    found = next((each for each in ordered if each.status == "finished"), None)
    return found if found and sort_key(order.by.value(found), descending=False)[0] == 0 else None


def _is_shown(trial: Trial, view: TableView) -> bool:
    return (not view.sweep or trial.facts.sweep == view.sweep) and (not view.status or trial.status == view.status)


def _filtered(trials: list[Trial], condition: str, columns: Sequence[TrialColumn]) -> list[Trial]:
    if not condition:
        return trials
    parsed = trial_filter.parse(condition)
    named = {name: trial_columns.column(name, columns, where="--filter") for name in parsed.columns}
    return [each for each in trials if parsed.holds(lambda name, trial=each: named[name].value(trial))]  # type: ignore[misc]


def _direction(metric: str, directions: Directions) -> Better | None:
    """The declared direction of a metric, which may be named with its file."""
    return directions(metric) or directions(metric.rpartition(":")[2])


def _order(trials: Sequence[Trial], columns: Sequence[TrialColumn], *, view: TableView, directions: Directions) -> _Order:
    """By what trials are ordered: what was asked for, what the search was about, or the one metric with a direction."""
    if view.sort:
        return _asked_order(view, columns, directions)
    if view.objective:
        return _by_objective(trial_columns.column(view.objective, columns, where="--objective"), trials, view, directions)
    searched = {(each.facts.objective, each.facts.direction) for each in trials if each.facts.objective}
    metrics = [each for each in columns if each.kind == "metric"]
    if len(searched) == 1:
        name, way = next(iter(searched))
        about = next((each for each in metrics if each.name == name), None)
        if about and (way or view.order or _direction(name, directions)):
            return _by_objective(about, trials, view, directions)
    declared = [each for each in metrics if _direction(each.name, directions)]
    return _by_objective(declared[0], trials, view, directions) if len(declared) == 1 else _Order(None)


def _asked_order(view: TableView, columns: Sequence[TrialColumn], directions: Directions) -> _Order:
    known = {each.label for each in columns}
    is_reversed = view.sort.startswith("-") and view.sort not in known
    by = trial_columns.column(view.sort.removeprefix("-") if is_reversed else view.sort, columns, where="--sort")
    if view.order and is_reversed:
        raise MlgitError(f"--sort {view.sort} and --{view.order} both say which way", "leave out one of the two")
    direction = _direction(by.name, directions) if by.kind == "metric" else None
    if is_reversed or view.order:
        descending = is_reversed or view.order == "desc"
        return _Order(by, descending, direction == ("higher" if descending else "lower"))
    return _Order(by, direction == "higher", direction is not None)


def _by_objective(by: TrialColumn, trials: Sequence[Trial], view: TableView, directions: Directions) -> _Order:
    searched = {each.facts.direction for each in trials if each.facts.objective == by.name and each.facts.direction}
    direction = _direction(by.name, directions) or (searched.pop() if len(searched) == 1 else None)
    if direction is None and not view.order:
        hint = f"add `metrics: {{{by.name}: {{direction: higher}}}}` (or lower) to mlgit.yaml, or say --asc or --desc"
        raise MlgitError(f"nothing says which way {by.label} is better", hint)
    descending = view.order == "desc" if view.order else direction == "higher"
    return _Order(by, descending, direction is None or direction == ("higher" if descending else "lower"))


def _sorted(trials: Sequence[Trial], order: _Order) -> list[Trial]:
    """In order, and those that are equal by name; without an order as they were given."""
    if order.by is None:
        return list(trials)
    by = order.by
    named = sorted(trials, key=lambda each: (each.name, each.commit))
    texts_first = order.descending and any(isinstance(by.value(each)[1], str) for each in named)
    if texts_first:
        named.sort(key=lambda each: str(by.value(each)[1]), reverse=True)
        named.sort(key=lambda each: sort_key(by.value(each), descending=True)[:2])
        return named
    return sorted(named, key=lambda each: sort_key(by.value(each), descending=order.descending))


def _chosen(columns: Sequence[TrialColumn], view: TableView) -> tuple[TrialColumn, ...]:
    for option, globs in (("--only", view.only), ("--drop", view.drop)):
        for glob in globs:
            if columns and not trial_columns.matching(columns, [glob]):
                trial_columns.column(glob, columns, where=option)  # says what there is
    kept = trial_columns.matching(columns, view.only) if view.only else tuple(columns)
    dropped = set(trial_columns.matching(columns, view.drop))
    return tuple(each for each in kept if each not in dropped)


def _objective_first(columns: Sequence[TrialColumn], by: TrialColumn | None) -> tuple[TrialColumn, ...]:
    return tuple(sorted(columns, key=lambda each: each != by)) if by else tuple(columns)


def _front(trials: Sequence[Trial], objectives: Sequence[TrialColumn], directions: Directions) -> frozenset[int]:
    """The trials (by `id`) that no other one beats in all objectives, where there are several."""
    if len(objectives) < 2:
        return frozenset()
    points = []
    for each in trials:
        values = [objective.value(each)[1] for objective in objectives]
        if all(isinstance(value, (int, float)) and value == value for value in values):
            signs = [1 if _direction(objective.name, directions) == "higher" else -1 for objective in objectives]
            points.append((id(each), tuple(sign * as_float(value) for sign, value in zip(signs, values, strict=True))))
    return frozenset(pareto.front(points))


def _rows(
    trials: Sequence[Trial], baselines: Sequence[Trial], *, best: Trial | None, front: frozenset[int]
) -> tuple[TrialRow, ...]:
    """One baseline first; of several each before its own trials."""
    rows: list[TrialRow] = []
    left = list(trials)
    for baseline in baselines:
        rows.append(TrialRow(baseline, is_baseline=True))
        own = [each for each in left if each.baseline == baseline.commit] if len(baselines) > 1 else left
        rows += [TrialRow(each, is_best=each is best, is_on_front=id(each) in front) for each in own]
        left = [each for each in left if each.baseline != baseline.commit] if len(baselines) > 1 else []
    return (*rows, *(TrialRow(each, is_best=each is best, is_on_front=id(each) in front) for each in left))
