"""Values into cells: how those of a reference are cut, and into which of them values of today fall."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.monitoring.sketch import Cells
from mlgit.statistics import rows

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

N_QUANTILES = 32
# More levels than so are names; they are counted by their hashes, in as many cells.
MOST_LEVELS = 256
_MOST_TOGETHER = 4 * MOST_LEVELS
# What is measured of a text.
MEASURES = ("characters", "words", "non_ascii")
MISSING = -1
# A number as a file without types has it.
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_LONGEST_NUMBER = 40
# The lowest and highest of few values get a cell beyond them where so many rows have them: what is beyond is a surprise then.
_FREQUENT, _FREQUENT_ROWS = 0.01, 5
# Squares of what is further away are no finite numbers.
_FARTHEST = 1e120
# How far from the only value others lie: floats of 32 bits, as some formats have them, are nearer to it.
_APART, _CLASSIFIED_APART = 1e-6, 0.1


def of_numbers(name: str, values: Array, *, is_classified: bool = False) -> Cells:
    """Cells of a number: between quantiles, or one for each of few values. Edges of a classified column are rounded."""
    known = numbers(values)
    known = known[~np.isnan(known)]
    if not len(known):
        return Cells(name, "number", is_classified=is_classified)
    distinct, frequent = np.unique(known, return_counts=True)
    if len(distinct) <= N_QUANTILES:
        edges = _between(distinct, frequent, apart=_CLASSIFIED_APART if is_classified else _APART)
    else:
        edges = np.unique(np.quantile(known, np.arange(1, N_QUANTILES) / N_QUANTILES, method="higher"))
    center = float(np.clip(np.quantile(known, 0.5, method="lower"), -_FARTHEST, _FARTHEST))
    if is_classified:
        edges, center = np.unique([_rounded(each) for each in edges.tolist()]), _rounded(center)
    edges = edges[np.isfinite(edges)]
    return Cells(name, "number", tuple(edges.tolist()), is_classified=is_classified, center=center)


def _between(distinct: Array, frequent: Array, *, apart: float) -> Array:
    """Edges between few values, and beyond the lowest and the highest of them where many rows have it."""
    low, high = distinct[0], distinct[-1]
    least = max(_FREQUENT_ROWS, _FREQUENT * int(frequent.sum()))
    with np.errstate(over="ignore", invalid="ignore"):
        edges = (distinct[1:] + distinct[:-1]) / 2.0
        edges = np.where(edges > distinct[:-1], edges, distinct[1:])  # between neighbours that are the largest numbers
        alone = apart * (abs(low) or apart)
        below, above = (edges[0] - low, high - edges[-1]) if len(edges) else (alone, alone)
        ends = [low - below][: int(frequent[0] >= least)], [high + above][: int(frequent[-1] >= least)]
    found: Array = np.unique(np.concatenate([ends[0], edges, ends[1]]))
    return found


def of_levels(name: str, values: Any, *, is_classified: bool = False) -> Cells:
    """Cells of a category: one for each level, the most frequent first; those of very many levels by hash."""
    codes, distinct = _levels(values, is_plain=is_classified)
    if len(distinct) > MOST_LEVELS:
        return Cells(name, "category", n_hashed=MOST_LEVELS, is_classified=is_classified)
    frequent = np.bincount(codes[codes >= 0], minlength=len(distinct))
    order = sorted(range(len(distinct)), key=lambda each: (-frequent[each], distinct[each]))
    names = [distinct[each] for each in order]
    levels = tuple(map(_hidden, names)) if is_classified else tuple(names)
    return Cells(name, "category", levels=levels, is_classified=is_classified)


def of_texts(name: str, values: Any, *, is_classified: bool = False) -> list[tuple[Cells, Array]]:
    """Cells of what is measured of a text, each with its measures."""
    found = []
    for kind, measures in zip(MEASURES, _measured(values), strict=True):
        cut = of_numbers(name, measures)
        found.append((Cells(name, "text", cut.edges, is_classified=is_classified, derived=kind, center=cut.center), measures))
    return found


def measure(cells: Cells, values: Any) -> Array | None:
    """What is measured of each value, NaN where nothing can be; None for a category."""
    if cells.kind == "number":
        return numbers(values)
    return _measured(values)[MEASURES.index(cells.derived)] if cells.kind == "text" else None


def place_numbers(cells: Cells, measured: Array) -> Array:
    """The cell of every number, MISSING where it is NaN."""
    found: Array = np.searchsorted(np.array(cells.edges), measured, side="right")
    found[np.isnan(measured)] = MISSING
    return found


def off_center(cells: Cells, measured: Array, placed: Array) -> Array:
    """How far numbers are from the center of their column, 0 for what is missing; those of a classified column are known no
    better than by their cells, so that the sum of a few rows tells none of them.
    """
    known = measured
    if cells.is_classified:
        edges = np.array(cells.edges or (cells.center,))
        middles = np.concatenate([edges[:1], (edges[1:] + edges[:-1]) / 2.0, edges[-1:]])
        known = middles[np.where(placed == MISSING, 0, placed)]
    with np.errstate(over="ignore"):
        apart = np.clip(known - cells.center, -_FARTHEST, _FARTHEST)
    found: Array = np.where(placed == MISSING, 0.0, apart)
    return found


def place(cells: Cells, values: Any, *, measured: Array | None = None) -> tuple[Array, list[tuple[str, int]]]:
    """The cell of every value, MISSING where there is none; and levels that the reference has not, with their rows.

    What a classified column holds is not named. Texts that stand where numbers are expected lie in no cell of theirs: they
    are counted as missing, and named. `measured` is what `measure` gives.
    """
    if cells.kind != "category":
        known = measure(cells, values) if measured is None else measured
        assert known is not None, "a category has no numbers"
        return place_numbers(cells, known), _strange(values, known, cells)
    codes, distinct = _levels(values, is_plain=cells.is_classified or bool(cells.n_hashed))
    if cells.n_hashed:
        hashed = np.array([_cell_of(each, cells.n_hashed) for each in distinct] + [MISSING], dtype=np.int64)
        return hashed[codes], []
    keys = [_hidden(each) for each in distinct] if cells.is_classified else distinct
    places = {level: number for number, level in enumerate(cells.levels)}
    if np.asarray(values).dtype.kind in "iuf":  # a file without types has 7 for 007, where all rows are such
        places = {_plain(level): number for level, number in reversed(places.items())} | places
    placed = np.array([places.get(key, len(cells.levels)) for key in keys] + [MISSING], dtype=np.int64)
    frequent = np.bincount(codes[codes >= 0], minlength=len(distinct)).tolist()
    unknown = [(name, number) for name, key, number in zip(distinct, keys, frequent, strict=True) if key not in places]
    return placed[codes], [] if cells.is_classified else sorted(unknown, key=lambda each: (-each[1], each[0]))


def with_levels_of(cells: Cells, values: Any) -> Cells:
    """Cells that have the levels of other values too, as rows need that are exchanged between them and the reference.

    Where they become very many, all levels go by their hashes.
    """
    if cells.kind != "category" or cells.n_hashed:
        return cells
    _, distinct = _levels(values)
    names = (_hidden(each) for each in distinct) if cells.is_classified else distinct
    levels = tuple(dict.fromkeys((*cells.levels, *names)))
    if len(levels) > _MOST_TOGETHER:
        return replace(cells, levels=(), n_hashed=_MOST_TOGETHER)
    return replace(cells, levels=levels)


def numbers(values: Any) -> Array:
    """Values as floats, NaN for what is missing or is no number."""
    found = np.asarray(values)
    if found.ndim > 1:  # lists where numbers are expected
        return np.full(len(found), np.nan)
    if found.dtype.kind in "biuf":
        return found.astype(float)
    if found.dtype.kind in "Mm":
        return np.where(np.isnat(found), np.nan, found.astype("int64").astype(float))
    return np.array([_number(each) for each in found.tolist()], dtype=float)


def _number(value: Any) -> float:
    if isinstance(value, bool | int | float):
        try:
            return float(value)
        except OverflowError:
            return float("inf") if value > 0 else float("-inf")
    if isinstance(value, str):  # 007 in quotes is what a file without types calls 7
        return float(value) if len(value) <= _LONGEST_NUMBER and _NUMBER.fullmatch(value) else float("nan")
    return float(value) if hasattr(value, "__float__") else float("nan")


def _strange(values: Any, measured: Array, cells: Cells) -> list[tuple[str, int]]:
    """Texts in a column of numbers."""
    found = np.asarray(values)
    if cells.derived or found.dtype.kind != "O" or not np.isnan(measured).any():
        return []
    texts = [each for each in found[np.isnan(measured)].tolist() if isinstance(each, str)]
    if not texts:
        return []
    return [("text", len(texts))] if cells.is_classified else _counted(texts)


def _counted(texts: Iterable[str]) -> list[tuple[str, int]]:
    found: dict[str, int] = {}
    for each in texts:
        found[each] = found.get(each, 0) + 1
    return sorted(found.items(), key=lambda each: (-each[1], each[0]))


def _levels(values: Any, *, is_plain: bool = False) -> tuple[Array, list[str]]:
    """The number of each value's level, MISSING where there is none, and what the levels are called, by name.

    `is_plain`: texts that are numbers are called as numbers are, for nobody can tell what a hash stands for.
    """
    if isinstance(values, rows.Coded):
        there = np.flatnonzero(values.is_there)
        inner = np.searchsorted(there, values.places)
        return _named(
            [values.names[each] for each in there.tolist()], np.zeros(len(inner), dtype=bool), inner, is_plain=is_plain
        )
    found = np.asarray(values)
    if found.dtype.kind in "biuf" and found.ndim == 1:
        missing = rows.is_missing(found)
        distinct, codes = np.unique(found[~missing], return_inverse=True)
        listed, inner = distinct.tolist(), codes
    else:
        listed, missing, inner = _distinct(found.tolist())
    return _named(listed, missing, inner, is_plain=is_plain)


def _named(listed: list[Any], missing: Array, inner: Array, *, is_plain: bool) -> tuple[Array, list[str]]:
    words = [_plain(_word(each)) if is_plain else _word(each) for each in listed]
    names = sorted(set(words))
    places = {name: number for number, name in enumerate(names)}
    all_codes = np.full(len(missing), MISSING)
    all_codes[~missing] = np.array([places[each] for each in words], dtype=np.int64)[inner] if words else MISSING
    return all_codes, names


def _distinct(values: list[Any]) -> tuple[list[Any], Array, Array]:
    """The different values, which of all are missing, and the place of each known one among the different."""
    try:
        kinds = set(values)
    except TypeError:  # lists and objects of JSON
        values = [each if each is None or isinstance(each, str | int | float) else str(each) for each in values]
        kinds = set(values)
    listed = [each for each in kinds if each is not None and each == each]
    codes = {each: number for number, each in enumerate(listed)}
    placed = np.fromiter((codes.get(each, MISSING) for each in values), dtype=np.int64, count=len(values))
    return listed, placed == MISSING, placed[placed != MISSING]


def _word(value: Any) -> str:
    """What a level is called: the same for 1 and 1.0, which differ by the format of a file only."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else str(value)


def _plain(text: str) -> str:
    """A text that is a number as that number is called: 7 for 007 and 7.0."""
    if len(text) > _LONGEST_NUMBER or not _NUMBER.fullmatch(text):
        return text
    return str(int(text)) if text.strip().lstrip("+-").isdigit() else _word(float(text))


def _measured(values: Any) -> Sequence[Array]:
    """Characters, words and the share of characters that are not ASCII, of each text; NaN where there is none."""
    texts = [each if isinstance(each, str) else None for each in np.asarray(values, dtype=object).tolist()]
    characters = np.array([np.nan if each is None else len(each) for each in texts], dtype=float)
    words = np.array([np.nan if each is None else len(each.split()) for each in texts], dtype=float)
    strange = [np.nan if each is None else (0 if each.isascii() else sum(c > "\x7f" for c in each)) for each in texts]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(characters == 0, 0.0, np.array(strange, dtype=float) / characters)
    return characters, words, share


def _rounded(value: float) -> float:
    """To two digits, which tells no row's value."""
    return float(f"{value:.1e}")


def _cell_of(name: str, n_hashed: int) -> int:
    return int(_sha(name)[:8], 16) % n_hashed


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _hidden(text: str) -> str:
    return _sha(text)[:16]
