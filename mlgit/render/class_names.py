"""Names of classes along the sides of a matrix: with the room they need, and turned where a column is too narrow."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence

from mlgit.render import svg

_LONGEST = 24
_GAP = 8  # between a name and the matrix, and two names below it
_SLOPE = math.sin(math.radians(45))


def shown(names: Sequence[str]) -> list[str]:
    """The names as they are drawn: only very long ones are cut."""
    return [svg.clipped(name, _LONGEST) for name in names]


def room(names: Sequence[str], *, size: int) -> int:
    """How wide the longest name is, with the gap before the matrix."""
    return math.ceil(_widest(names, size)) + _GAP


def depth(names: Sequence[str], *, column: float, size: int) -> int:
    """How much further names below a matrix reach because they are turned: nothing where all fit their columns."""
    return math.ceil(_widest(names, size) * _SLOPE) if _are_turned(names, column, size) else 0


def below(
    names: Sequence[str], attributes: Mapping[str, str | float], *, left: float, y: float, column: float, size: int
) -> list[str]:
    """The names below the columns of a matrix that begins at `left`, their first line `y`."""
    spots = [left + (at + 0.5) * column for at in range(len(names))]
    if not _are_turned(names, column, size):
        return [
            svg.text(name, {**attributes, "x": x, "y": y}, anchor="middle") for name, x in zip(shown(names), spots, strict=True)
        ]
    turned = [f"translate({x + size / 3:.1f} {y - size / 3:.1f}) rotate(-45)" for x in spots]
    return [
        svg.text(name, {**attributes, "transform": each}, anchor="end") for name, each in zip(shown(names), turned, strict=True)
    ]


def _are_turned(names: Sequence[str], column: float, size: int) -> bool:
    return _widest(names, size) > column - _GAP


def _widest(names: Sequence[str], size: int) -> float:
    # letters of a sans serif are about 0.58 of its size, those of East Asia as wide as high
    wide = {"F": 1.0, "W": 1.0}
    return size * max(sum(wide.get(unicodedata.east_asian_width(sign), 0.58) for sign in name) for name in shown(names))
