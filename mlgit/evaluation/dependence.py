"""Signs that rows do not count one by one though nobody said so: columns that name a group, and neighbours that are alike."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.evaluation.model_pair import ModelPair
from mlgit.evaluation.model_results import may_name_groups
from mlgit.rules import GateRule, Stats
from mlgit.statistics import blocks
from mlgit.statistics.rows import Coded, differ, distinct, is_missing, numbered

if TYPE_CHECKING:
    from mlgit.evaluation.model_results import Table
    from mlgit.statistics.rows import Array

_FEWEST_ROWS, _FEWEST_DIFFERENT = 100, 30
_LEAST_ALIKE, _DEVIATIONS = 0.1, 4.0
_MOST_CLASSES = 20


def notes(joined: ModelPair, *, stats: Stats, rules: Collection[GateRule]) -> Iterator[str]:
    """What a reader should know of rows that may belong together: nothing where it is declared, or declared not to be so."""
    model, pair = joined.model, joined.rows
    said = [rule.cluster for rule in rules if joined.is_subject_of(rule)]
    if pair is None or model.cluster is not None or model.order or stats.cluster or any(each is not None for each in said):
        return
    sliced = {name for rule in rules if rule.slices for names in rule.slices.by for name in names}
    known = {
        *model.keys,
        model.id,
        model.label,
        model.prediction,
        model.score,
        model.query,
        model.weight,
        *model.slices,
        *sliced,
    }
    groups = {name: _groups(column) for name, column in pair.current.items() if name not in known and may_name_groups(name)}
    found = {name: number for name, number in groups.items() if 1 < number < len(pair.current[name])}
    for name, number in found.items():
        told = f"{len(pair.current[name])} rows of {joined.name} have {number} different {name}, and count as independent"
        yield f"{told}: if rows of one are alike, add {model.where}.cluster: {name} to mlgit.yaml; if not, cluster: null"
    if found or pair.baseline is None or pair.trouble:
        return
    alike = _likeness(_losses(pair.baseline, joined), _losses(pair.current, joined), pair.current.get(model.label))
    if alike:
        told = f"the models of {joined.name} differ alike in rows beside each other (autocorrelation {alike:.2f})"
        hint = f"add {model.where}.order (the column of their time) or cluster (of their group) to mlgit.yaml"
        yield f"{told}, and rows count as independent: {hint}"


def _groups(column: Any) -> int:
    """How many different values there are, 0 where one is missing."""
    return 0 if is_missing(column).any() else len(distinct(column))


def _losses(table: Table, joined: ModelPair) -> Array | None:
    """How far a model is from the truth in each row, by its prediction."""
    if joined.model.label not in table or joined.model.prediction not in table:
        return None
    label, given = table[joined.model.label], table[joined.model.prediction]
    if isinstance(label, Coded) and isinstance(given, Coded):
        return differ(label, given).astype(float)
    label, given = np.asarray(label), np.asarray(given)
    if label.dtype.kind in "iuf" and given.dtype.kind in "iuf" and len(numbered(label)[0]) > _MOST_CLASSES:
        return np.asarray(np.abs(given - label))
    return np.asarray(given != label, dtype=float)


def _numbered(label: Array) -> tuple[Array, Array]:
    return numbered(label if label.dtype.kind in "biuf" else label.astype(str))


def _likeness(before: Array | None, now: Array | None, label: Any) -> float:
    """The correlation of each difference with the next one, 0 where chance may have made it.

    Differences are counted from the mean of their class, for a file may list one class after the other.
    """
    if before is None or now is None or len(before) != len(now) or len(now) < _FEWEST_ROWS:
        return 0.0
    series = now - before
    if np.count_nonzero(series) < _FEWEST_DIFFERENT or not np.isfinite(series).all():
        return 0.0
    names, codes = (label.names, label.places) if isinstance(label, Coded) else _numbered(np.asarray(label))
    codes = codes if len(names) <= _MOST_CLASSES else np.zeros(len(series), dtype=int)
    centred = series - (np.bincount(codes, weights=series) / np.bincount(codes))[codes]
    lags = blocks.autocovariances(centred, 1)
    found = float(lags[1] / lags[0]) if lags[0] > 0 else 0.0
    return found if found > max(_LEAST_ALIKE, _DEVIATIONS / math.sqrt(len(series))) else 0.0
