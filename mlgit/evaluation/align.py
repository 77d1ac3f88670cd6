"""Rows of two tables brought together by their key, never by their order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.render.text import count
from mlgit.statistics.rows import Texts, is_missing

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array


@dataclass(frozen=True, slots=True, eq=False)
class Aligned:
    """Where each common row lies: `baseline[i]` and `current[i]` are places of the same key, in the baseline's order."""

    baseline: Array
    current: Array


@dataclass(frozen=True, slots=True)
class Misaligned:
    """Why two tables cannot be compared row by row, in numbers, and the first few keys that are to blame."""

    repeated_baseline: int
    repeated_current: int
    missing: int
    added: int
    unnamed: int
    examples: tuple[str, ...]

    @property
    def reason(self) -> str:
        """One sentence with every count that is not 0."""
        told = [
            (self.unnamed, "row", "without a key"),
            (self.repeated_baseline, "key", "more than once in the baseline"),
            (self.repeated_current, "key", "more than once in the current rows"),
            (self.missing, "row", "of the baseline {} missing"),
            (self.added, "row", "{} new"),
        ]
        shown = f" (such as {', '.join(self.examples)})" if self.examples else ""
        counts = [
            f"{count(number, noun)} {what.format('is' if number == 1 else 'are')}" for number, noun, what in told if number
        ]
        return f"the rows are not the same: {', '.join(counts)}{shown}"


def align(baseline: Any, current: Any) -> Aligned | Misaligned:
    """Bring two columns of keys together. Keys are compared as text, for 7 and "7" of two files are the same row."""
    if isinstance(baseline, Texts) and isinstance(current, Texts):
        places = baseline.places_in(current)
        if places is not None:
            return Aligned(np.arange(len(places)), places)
    both = np.asarray(baseline), np.asarray(current)
    if (found := _of_numbers(*both) or _in_order(*both)) is not None:
        return found
    unnamed = sum(int(is_missing(each).sum()) for each in (baseline, current))
    old, new = ([str(key) for key in np.asarray(each).tolist()] for each in (baseline, current))
    place = {key: number for number, key in enumerate(new)}
    known = set(old)
    repeated = [_repeated(old, known), _repeated(new, place.keys())]
    missing, added = sorted(known - place.keys()), sorted(place.keys() - known)
    if unnamed or any((*repeated, missing, added)):
        blamed = [key for each in (*repeated, missing, added) for key in each[:3]]
        counts = len(repeated[0]), len(repeated[1]), len(missing), len(added), unnamed
        return Misaligned(*counts, examples=tuple(dict.fromkeys(blamed))[:3])
    return Aligned(np.arange(len(old)), np.fromiter((place[key] for key in old), dtype=np.int64, count=len(old)))


def _in_order(old: Array, new: Array) -> Aligned | None:
    """The rows of two columns of texts that are the same, each once; None for other columns."""
    if old.dtype.kind != "O" or new.dtype.kind != "O" or old.shape != new.shape:
        return None
    keys = old.tolist()
    if keys != new.tolist() or len(set(keys)) < len(keys) or set(map(type, keys)) != {str}:
        return None
    return Aligned(np.arange(len(keys)), np.arange(len(keys)))


def _of_numbers(old: Array, new: Array) -> Aligned | None:
    """The rows of two columns of whole numbers that have the same ones, each once; None for other columns."""
    if old.dtype.kind not in "iu" or new.dtype.kind not in "iu" or old.shape != new.shape or not len(old):
        return None
    if np.array_equal(old, new) and (old[1:] > old[:-1]).all():
        return Aligned(np.arange(len(old)), np.arange(len(old)))
    before, now = np.argsort(old, kind="stable"), np.argsort(new, kind="stable")
    ordered = old[before]
    if not np.array_equal(ordered, new[now]) or (ordered[1:] == ordered[:-1]).any():
        return None
    current = np.empty(len(old), dtype=np.int64)
    current[before] = now
    return Aligned(np.arange(len(old)), current)


def _repeated(keys: Sequence[str], different: Collection[str]) -> list[str]:
    """The keys that are there more than once, in the order of the rows."""
    if len(different) == len(keys):
        return []
    counts = Counter(keys)
    return [key for key, number in counts.items() if number > 1]
