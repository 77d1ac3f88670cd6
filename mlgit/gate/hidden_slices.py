"""Slices by columns whose values may not be shown: numbers take their places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mlgit.evaluation.results import MetricEvidence, Part, SliceGaps


def hidden(seen: MetricEvidence, *, private: frozenset[str]) -> MetricEvidence:
    """The same evidence, with `hidden 1`, `hidden 2` and so on for the values of these columns (in lower case)."""
    if not private:
        return seen
    parts = {*(seen.parts or {}), *seen.missing, *seen.small, *seen.set_aside}
    if seen.gaps:
        parts |= {*seen.gaps.values, *seen.gaps.without, *seen.gaps.few}
    known = sorted({each for part in parts for each in part if each[0].lower() in private})
    names = {each: (each[0], f"hidden {number}") for number, each in enumerate(known, start=1)}
    return _named(seen, names) if names else seen


def _named(seen: MetricEvidence, names: Mapping[tuple[str, str], tuple[str, str]]) -> MetricEvidence:
    def of(part: Part) -> Part:
        return tuple(names.get(each, each) for each in part)

    return replace(
        seen,
        parts=None if seen.parts is None else {of(part): each for part, each in seen.parts.items()},
        harm=None if seen.harm is None else {of(part): each for part, each in seen.harm.items()},
        missing=tuple(map(of, seen.missing)),
        small=tuple(map(of, seen.small)),
        set_aside=frozenset(map(of, seen.set_aside)),
        gaps=None
        if seen.gaps is None
        else SliceGaps(
            {of(part): each for part, each in seen.gaps.values.items()},
            tuple(replace(pair, high=of(pair.high), low=of(pair.low)) for pair in seen.gaps.pairs),
            tuple(map(of, seen.gaps.without)),
            seen.gaps.draws,
            tuple(map(of, seen.gaps.few)),
        ),
    )
