"""The interval of a metric, and of the difference of two models by it, from estimates: a value, and the influence of each row.

A smooth function of sums over rows that count alike: the bootstrap-t of these sums. Everything else by the influences alone, as
`influence_intervals` does it. Whole clusters are drawn where rows hang together. A share of rows (or queries) that do not has
Wilson's interval, and the difference of two Tango's. Where few rows vary, what was not seen is allowed for (`unseen`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mlgit import lazy_numpy as np
from mlgit.statistics import bounded_intervals, confusion, folded, influence_intervals, resampling, shares, student, unseen
from mlgit.statistics.bootstrap import Interval
from mlgit.statistics.comparison import Comparison, ComparisonOptions, comparison_of
from mlgit.statistics.influence_intervals import RowStructure
from mlgit.statistics.resampling import Spread, Sums

if TYPE_CHECKING:
    from mlgit.statistics.estimate import Estimate
    from mlgit.statistics.rows import Array


# So many rows that differ more or less show how far they do.
ENOUGH_VARIED = 20


def interval(name: str, found: Estimate, *, rows: RowStructure, options: ComparisonOptions) -> Interval:
    """A metric of one model with its interval; it is cut where the metric ends."""
    spread = _of_one(found, of_queries(rows, found), options)
    ends = max(spread.low, found.least), min(spread.high, found.most)
    value, low, high = (None if each != each else float(each) for each in (found.value, *ends))
    return Interval(
        name,
        value,
        low,
        high,
        options.confidence_level,
        found.n_counted or len(found.influence),
        spread.method,
        spread.why,
        spread.draws,
        "; ".join(filter(None, (spread.note, found.note))),
        spread.may_pass and found.may_pass,
    )


def _of_one(found: Estimate, rows: RowStructure, options: ComparisonOptions) -> Spread:
    if found.value != found.value:
        return resampling.nothing(found.why or "the metric is undefined for these rows")
    inside = shares.counted(found, rows)
    if inside is not None and not influence_intervals.too_few(rows, len(found.influence)):
        return shares.of_one(inside, confidence=options.confidence_level)
    if bounded_intervals.has_ends(found, rows=rows) and not influence_intervals.too_few(rows, len(found.influence)):
        return bounded_intervals.one(found, rows=rows, confidence=options.confidence_level)
    shown = spread(found.value, found.influence, found.sums, rows=rows, options=options)
    varied = int(np.count_nonzero(found.influence))
    shown = _with_unseen(shown, found.value, found, rows=rows, options=options, varied=varied)
    return folded.stretched(shown, found.value, below=found.overshoot)


def of_queries(rows: RowStructure, found: Estimate) -> RowStructure:
    """How rows hang together for a metric that has one value of each query: these count, however many rows they have."""
    return rows if found.parts is None else replace(rows, parts=found.parts, counted=found.counted)


def _with_unseen(
    shown: Spread, value: float, *found: Estimate, rows: RowStructure, options: ComparisonOptions, varied: int
) -> Spread:
    """An interval that allows for what was not seen; so many rows (or queries) vary. Where there are too few, it is none."""
    size, reach = len(found[0].influence), max(each.reach for each in found)
    if not reach or influence_intervals.too_few(rows, size):
        return shown
    if varied >= ENOUGH_VARIED and all(each.graded for each in found):
        return shown
    jump = reach / influence_intervals.worth(rows, size)
    return unseen.widened(shown, value, jump=jump, confidence=options.confidence_level)


def compare(name: str, baseline: Estimate, current: Estimate, *, rows: RowStructure, question: ComparisonOptions) -> Comparison:
    """Two models by a metric, on rows that are the same and in the same order."""
    rows, differs = of_queries(rows, current), _differing(baseline, current)
    discordant = int(differs.sum())
    found, pvalue = _of_two(baseline, current, rows, question, discordant)
    found = heeding(found, (current, baseline))
    made = comparison_of(
        name,
        (baseline.value, current.value),
        found,
        question=question,
        n=len(current.influence),
        n_discordant=discordant,
        clusters=None if rows.groups is None else int(rows.groups.max()) + 1,
        pvalue=pvalue,
    )
    counted = max(baseline.n_counted, current.n_counted)
    return replace(made, n_counted=counted, counted=current.counted) if counted else made


def heeding(found: Spread, estimates: Sequence[Estimate]) -> Spread:
    """An interval with what the estimates that it is made from say of themselves."""
    undefined = [each.why for each in estimates if each.value != each.value and each.why]
    note = "; ".join(dict.fromkeys(filter(None, (found.note, *(each.note for each in estimates)))))
    may_pass = found.may_pass and all(each.may_pass for each in estimates)
    return replace(found, note=note, may_pass=may_pass, why=undefined[0] if undefined else found.why)


def _differing(baseline: Estimate, current: Estimate) -> Array:
    """Which rows the metric sees differently on both sides."""
    if baseline.seen is not None and current.seen is not None:
        return np.asarray((baseline.seen != current.seen).any(axis=1))
    if baseline.sums is not None and current.sums is not None:
        one, other = baseline.sums.features, current.sums.features
        if one.shape == other.shape:
            return np.asarray(~np.isclose(one, other, rtol=1e-12, atol=0.0).all(axis=1))
    spread = float(np.abs(baseline.influence).max(initial=0.0))
    return np.asarray(~np.isclose(baseline.influence, current.influence, rtol=1e-9, atol=1e-12 * spread))


def _of_two(
    baseline: Estimate, current: Estimate, rows: RowStructure, question: ComparisonOptions, discordant: int
) -> tuple[Spread, float | None]:
    """The interval, and the two-sided p-value where the method has one of its own."""
    for each in (baseline, current):
        if each.value != each.value:
            return resampling.nothing(each.why or "the metric is undefined for these rows"), None
    if baseline.truth is not None and current.truth is not None and rows.are_alike:
        return _of_shares(baseline.truth, current.truth, current.scale, question.confidence_level)
    delta = current.value - baseline.value
    if told := influence_intervals.too_few(rows, len(current.influence)):
        return resampling.nothing(told), None
    if not discordant and delta == 0 and _say_the_same(baseline, current):
        return Spread(0.0, 0.0, "no row differs", lambda least: float(least >= 0)), None
    inside = [shares.counted(each, rows) for each in (baseline, current)]
    if inside[0] is not None and inside[1] is not None and len(inside[0]) == len(inside[1]):
        return _of_shares(inside[0], inside[1], 1.0, question.confidence_level)
    if bounded_intervals.has_ends(baseline, current, rows=rows):
        return bounded_intervals.difference(baseline, current, rows=rows, confidence=question.confidence_level), None
    if folded.are_in_doubt(baseline, current):
        influence, structure = folded.apart(baseline, current, rows)
        made = spread(delta, influence, None, rows=structure, options=question)
        made = _with_unseen(made, delta, baseline, current, rows=rows, options=question, varied=discordant)
        return folded.stretched(made, delta, below=current.overshoot, above=baseline.overshoot), None
    sums = _joint(baseline.sums, current.sums) if baseline.sums is not None and current.sums is not None else None
    shown = spread(delta, current.influence - baseline.influence, sums, rows=rows, options=question)
    return _with_unseen(shown, delta, baseline, current, rows=rows, options=question, varied=discordant), None


def _say_the_same(baseline: Estimate, current: Estimate) -> bool:
    """Whether two models between which no row shows a difference cannot differ elsewhere."""
    if baseline.said is None or current.said is None:
        return True
    return np.array_equal(baseline.said, current.said)


def _of_shares(was: Array, now: Array, scale: float, confidence: float) -> tuple[Spread, float]:
    """As accuracy is compared: rows that differ may exist though none was seen."""
    found, pvalue = confusion.of_share(was, now, number=len(now), confidence=confidence)
    low, high = scale * found.low, scale * found.high
    return replace(found, low=low, high=high, below=lambda least: found.below(least / scale)), pvalue


def _joint(baseline: Sums, current: Sums) -> Sums:
    """The sums of both models beside one another, and the difference of what they give."""
    width = baseline.features.shape[1]

    def function(sums: Array) -> Array:
        return np.asarray(current.function(sums[..., width:]) - baseline.function(sums[..., :width]))

    return Sums(np.column_stack([baseline.features, current.features]), baseline.counts, function)


def spread(value: float, influence: Array, sums: Sums | None, *, rows: RowStructure, options: ComparisonOptions) -> Spread:
    """Where the truth of a statistic may lie whose rows have these influences on it."""
    confidence, resamples, seed = options.confidence_level, options.resamples, options.seed
    if sums is None or rows.weights is not None or rows.order is not None:
        return influence_intervals.interval(value, influence, rows, confidence=confidence, resamples=resamples, seed=seed)
    if told := influence_intervals.too_few(rows, len(influence)):
        return resampling.nothing(told)
    given = sums if rows.groups is None else _added_up(sums, rows.groups)
    return student.interval(given, confidence=confidence, resamples=resamples, seed=seed, noun=rows.noun)


def _added_up(sums: Sums, groups: Array) -> Sums:
    features = np.column_stack([np.bincount(groups, weights=column) for column in sums.features.T])
    return Sums(features, np.ones(len(features)), sums.function)
