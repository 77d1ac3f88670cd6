"""Words and numbers in one line of text, the same on terminals, in Markdown and in plots."""

from __future__ import annotations

import math
import time
import unicodedata
from collections.abc import Iterable


def plain(text: str) -> str:
    """Text from a repository made safe for a terminal: one line, with control characters shown and not obeyed."""
    if text.isprintable():
        return text
    return "".join(_shown(char) if char != "\t" and _is_control(char) else char for char in text)


def _is_control(char: str) -> bool:
    category = unicodedata.category(char)
    return category[0] == "C" or category in ("Zl", "Zp")


def _shown(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


def number(value: float) -> str:
    """A number with at most six significant digits, without losing that it is a whole one."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, int) or not math.isfinite(value):
        return str(value)
    return f"{value:.6g}"


def decimals(low: float | None, high: float | None) -> int | None:
    """Digits behind the point that an interval supports: the first that its half width reaches, one more where that is 1."""
    if low is None or high is None or not high > low or not math.isfinite(high - low):
        return None
    half = high / 2 - low / 2
    if not half:  # half of the smallest number there is
        return None
    magnitude = math.floor(math.log10(half))
    is_one = half / 10.0**magnitude < 2 if magnitude > -300 else False
    return max(0, min(12, -magnitude + (1 if is_one else 0)))


def fixed(value: float, digits: int | None) -> str:
    """A number with so many digits behind the point; None: as many as it has."""
    return number(value) if digits is None or not math.isfinite(value) or abs(value) >= 1e12 else f"{value:.{digits}f}"


def span(low: float, high: float, *values: float) -> tuple[str, ...]:
    """The ends of an interval and values beside it, with the digits that it supports and one more, for a limit may be near."""
    digits = decimals(low, high)
    return tuple(fixed(each, None if digits is None else digits + 1) for each in (low, high, *values))


def level_of(confidence_level: float) -> str:
    """How sure an interval is, and what each of its ends leaves out."""
    return f"{number(100 * confidence_level)} % interval, {number(50 * (1 - confidence_level))} % a side"


def signed(value: float) -> str:
    """A difference with its sign; no difference is 0."""
    return "0" if value == 0 else ("+" if value > 0 else "") + number(value)


def size(n_bytes: int) -> str:
    """Bytes in powers of 1024, three significant digits."""
    value, unit = float(n_bytes), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if value < 999.5 or unit == "TiB":
            break
        value /= 1024
    digits = f"{value:.3g}" if value < 999.5 else f"{value:.0f}"
    return f"{n_bytes} B" if unit == "B" else f"{digits} {unit}"


def seconds(duration: float) -> str:
    """A duration as people say it: 0.42 s, 12.3 s, 3 min 05 s, 2 h 04 min."""
    if duration < 59.95:
        return f"{duration:.2f} s" if duration < 9.995 else f"{duration:.1f} s"
    minutes, rest = divmod(round(duration), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def moment(when: int) -> str:
    """Seconds since 1970 as ISO 8601 in UTC; what no calendar has, as Git writes it."""
    try:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(when))
    except (OverflowError, ValueError, OSError):
        return f"@{when}"


def count(number_of: int, noun: str) -> str:
    """`1 stage`, `2 stages`, `2 queries`."""
    if number_of == 1:
        return f"{number_of} {noun}"
    return f"{number_of} {noun[:-1]}ies" if noun.endswith("y") and noun[-2:-1] not in "aeiou" else f"{number_of} {noun}s"


MOST_NAMES = 6


def few(names: Iterable[str], *, most: int = MOST_NAMES, total: int | None = None) -> str:
    """Names in a row, cut where there are many; `total` is how many there are, where `names` are only the first of them."""
    listed = list(names)
    left = (len(listed) if total is None else total) - len(listed[:most])
    return ", ".join(listed[:most]) + (f" and {left} more" if left > 0 else "")
