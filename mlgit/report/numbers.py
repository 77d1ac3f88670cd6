"""Numbers as a reviewer reads them, with a true minus sign and a dash for none."""

from __future__ import annotations

import math

MINUS = "\N{MINUS SIGN}"


def value(number: float | None, digits: int | None = None) -> str:
    """A number, a dash for none."""
    if number is None:
        return "–"
    if not math.isfinite(number):
        return str(number)
    shown = f"{number:.{digits}f}" if digits is not None and abs(number) < 1e12 else f"{number:.4g}"
    return _negative(shown, number)


def signed(number: float | None, digits: int | None = None) -> str:
    """A difference, always with its sign."""
    shown = value(number, digits)
    return f"+{shown}" if number is not None and number > 0 and not _is_zero(shown) else shown


def _negative(shown: str, number: float) -> str:
    """With a true minus sign, and without one where nothing but zeros is left."""
    bare = shown.removeprefix("-")
    return bare if _is_zero(bare) or number >= 0 else MINUS + bare


def _is_zero(shown: str) -> bool:
    return not any(char in "123456789" for char in shown) and any(char == "0" for char in shown)
