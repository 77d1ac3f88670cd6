"""Searches that need to know no outcome: every setting in turn, or settings drawn at random."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

from mlgit.errors import MlgitError
from mlgit.experiments.search_space import SearchSpace, setting
from mlgit.experiments.trial import Status

LARGEST_GRID = 100_000
# A space up to this size is shuffled as a whole, so that nothing is drawn twice; in a larger one, what was drawn is drawn anew.
_SHUFFLED = 10_000
_MOST_ATTEMPTS = 1_000
_BITS = 128


@dataclass(frozen=True, slots=True)
class ObservedTrial:
    """A trial that a search asked for: what was set, how it is, and the value of the objective where it has one."""

    number: int
    changes: Mapping[str, Any]
    status: Status
    value: float | None = None


class Sampler(Protocol):
    """What a search sets in each trial."""

    def ask(self, number: int, history: Sequence[ObservedTrial]) -> Mapping[str, Any] | None:
        """The parameters of trial `number`, from 1, as `[FILE:]KEY` -> value; None when there is nothing left to try.

        The answer depends on the search and on these arguments only: whoever asks again is told the same.
        """


class GridSampler:
    """Every setting, the last parameter changing first."""

    def __init__(self, space: SearchSpace, *, n_trials: int | None = None) -> None:
        size = space.size
        if size is None:
            open_ends = [each.name for each in space.dimensions if each.size is None]
            raise MlgitError(
                f"--set {open_ends[0]}: a grid needs values, and a range of fractions has too many",
                f"a step (`{open_ends[0]}=LOW..HIGH/STEP`), a list of values, or `--sampler random --trials 20`",
            )
        stretched = [each.name for each in space.dimensions if each.span is not None and each.span.is_log]
        if stretched:
            raise MlgitError(
                f"--set {stretched[0]}: a grid has no use for `/log`",
                "list the values, or draw some: `--sampler random --trials 20`",
            )
        if min(size, n_trials or size) > LARGEST_GRID:
            raise MlgitError(
                f"a grid of {size:,} trials", f"at most {LARGEST_GRID:,}; draw some: `--sampler random --trials 20`"
            )
        self._space, self._size = space, min(size, n_trials or size)

    def ask(self, number: int, history: Sequence[ObservedTrial]) -> Mapping[str, Any] | None:
        """The setting with this number."""
        return self._space.at(number - 1) if number <= self._size else None


class RandomSampler:
    """Settings drawn by seed and number, none of them twice."""

    def __init__(self, space: SearchSpace, *, n_trials: int | None, seed: int) -> None:
        self._space, self._seed, self._n_trials = space, seed, n_trials
        self._drawn: list[Mapping[str, Any]] = []
        self._seen: set[str] = set()
        self._order: list[int] | None = None
        if (
            space.size is not None
            and space.size <= _SHUFFLED
            and not any(each.span and each.span.is_log for each in space.dimensions)
        ):
            self._order = sorted(range(space.size), key=lambda place: share(seed, place, "order"))

    def ask(self, number: int, history: Sequence[ObservedTrial]) -> Mapping[str, Any] | None:
        """The setting with this number."""
        if self._n_trials is not None and number > self._n_trials:
            return None
        if self._order is not None:
            return self._space.at(self._order[number - 1]) if number <= len(self._order) else None
        while len(self._drawn) < number:
            found = self._new(len(self._drawn) + 1)
            if found is None:
                return None
            self._seen.add(setting(found))
            self._drawn.append(found)
        return self._drawn[number - 1]

    def _new(self, number: int) -> Mapping[str, Any] | None:
        if self._space.size is not None and len(self._drawn) >= self._space.size:
            return None
        for attempt in range(_MOST_ATTEMPTS):
            found = draw(self._space, seed=self._seed, number=number, attempt=attempt)
            if setting(found) not in self._seen:
                return found
        return None


def draw(space: SearchSpace, *, seed: int, number: int, attempt: int = 0) -> dict[str, Any]:
    """The setting that seed, number and attempt stand for; a parameter's value does not depend on which others there are."""
    return {each.name: each.draw(share(seed, number, f"{attempt}:{each.name}")) for each in space.dimensions}


def share(seed: int, number: int, what: str) -> Fraction:
    """A share from 0, less than 1, as good as random and the same for the same arguments."""
    digest = hashlib.sha256(f"{seed}:{number}:{what}".encode()).digest()
    return Fraction(int.from_bytes(digest[: _BITS // 8], "big"), 1 << _BITS)
