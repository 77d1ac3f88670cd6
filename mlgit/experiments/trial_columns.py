"""The columns of a table of trials: metrics, parameters, and what is known of each trial besides."""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mlgit.errors import MlgitError, near_miss
from mlgit.experiments.trial import Trial
from mlgit.render.text import few

ColumnKind = Literal["metric", "param", "fact"]
# What every trial has, by the names that filters and orders take.
FACTS = ("name", "status", "baseline", "sweep", "number", "sampler", "started", "seconds", "committed")


@dataclass(frozen=True, slots=True)
class TrialColumn:
    """A column; `label` is its name, with `metric:` or `param:` before it where both kinds have that name."""

    kind: ColumnKind
    name: str
    label: str

    def value(self, trial: Trial) -> tuple[bool, Any]:
        """Whether a trial has a value here, and which."""
        if self.kind == "fact":
            found = _fact(trial, self.name)
            return found is not None, found
        values = trial.metrics if self.kind == "metric" else trial.params
        return self.name in values, values.get(self.name)


def columns_of(trials: Iterable[Trial]) -> tuple[TrialColumn, ...]:
    """The metrics and then the parameters of all these trials, each kind in the order in which they were found."""
    metrics: dict[str, None] = {}
    params: dict[str, None] = {}
    for each in trials:
        metrics.update(dict.fromkeys(each.metrics))
        params.update(dict.fromkeys(each.params))
    twice = {*(metrics.keys() & params.keys()), *((metrics.keys() | params.keys()) & set(FACTS))}
    return (
        *(TrialColumn("metric", name, f"metric:{name}" if name in twice else name) for name in metrics),
        *(TrialColumn("param", name, f"param:{name}" if name in twice else name) for name in params),
    )


def column(word: str, columns: Sequence[TrialColumn], *, where: str) -> TrialColumn:
    """The column that a word names. Raises MlgitError, beginning with `where`, with the near miss."""
    found = next((each for each in columns if word in (each.label, f"{each.kind}:{each.name}")), None)
    if found:
        return found
    if word in FACTS:
        return TrialColumn("fact", word, word)
    both = [each.label for each in columns if each.name == word]
    if both:
        raise MlgitError(f"{where}: '{word}' is a metric and a parameter", f"name one of them: {few(both)}")
    known = [each.label for each in columns]
    raise MlgitError(
        f"{where}: no column is called '{word}'{near_miss(word, [*known, *FACTS])}",
        f"there are: {few([*known, *FACTS], most=20)}",
    )


def matching(columns: Iterable[TrialColumn], globs: Sequence[str]) -> tuple[TrialColumn, ...]:
    """The columns that one of the patterns names, by label or name."""
    return tuple(
        each
        for each in columns
        if any(
            fnmatch.fnmatchcase(name, glob) for glob in globs for name in (each.label, each.name, f"{each.kind}:{each.name}")
        )
    )


def differing(columns: Iterable[TrialColumn], trials: Sequence[Trial]) -> tuple[TrialColumn, ...]:
    """The columns in which not all trials are the same; a trial that lacks a value differs from one that has it."""
    if len(trials) < 2:
        return tuple(columns)
    return tuple(each for each in columns if _differs(each, trials))


def _differs(found: TrialColumn, trials: Sequence[Trial]) -> bool:
    first = found.value(trials[0])
    return any(not _is_same(found.value(each), first) for each in trials[1:])


def _is_same(one: tuple[bool, Any], other: tuple[bool, Any]) -> bool:
    if one == other and type(one[1]) is type(other[1]):
        return True
    values = one[1], other[1]
    return one[0] == other[0] and all(isinstance(each, float) and math.isnan(each) for each in values)


def _fact(trial: Trial, name: str) -> Any:
    match name:
        case "name" | "status" | "baseline" | "committed":
            return getattr(trial, name)
        case _:
            return getattr(trial.facts, name) or None


def sort_key(value: tuple[bool, Any], *, descending: bool) -> tuple[int, float, str]:
    """Where a value stands in an order: numbers before texts, and what is missing or no number last, either way."""
    is_there, found = value
    if not is_there or found is None or found != found:
        return (2, 0.0, "")
    if isinstance(found, (int, float)):
        number = as_float(found)
        return (0, -number if descending else number, "")
    return (1, 0.0, str(found))


def as_float(value: float) -> float:
    """A number as a float, infinite where it is beyond all of them."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
