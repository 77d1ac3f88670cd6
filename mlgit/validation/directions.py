"""Which way a rule moves: what it lets pass before and now, compared as sets and not as text."""

from __future__ import annotations

import datetime
import itertools
import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any, Literal

from mlgit.validation.contract import NONE, Limit

# More data breaks it, less does, some of both, or none that anybody looks at.
Direction = Literal["tightens", "loosens", "both", "untested"]

End = Literal["minimum", "maximum"]
ENDS: tuple[End, ...] = ("minimum", "maximum")

_TURNED: dict[Direction, Direction] = {"tightens": "loosens", "loosens": "tightens"}


def joined(found: Iterable[Direction]) -> Direction:
    """Several changes as one."""
    seen = set(found) - {"untested"}
    return "untested" if not seen else next(iter(seen)) if len(seen) == 1 else "both"


def turned(direction: Direction) -> Direction:
    """The way back."""
    return _TURNED.get(direction, direction)


def of_limits(old: Limit, new: Limit, *, is_count: bool) -> Direction:
    """Of what a number is held against; `is_count`: it counts rows, or is a share of them."""
    if old == new:
        return "untested"
    ends = [each for limit in (old, new) for each in (limit.value, limit.high) if each is not None]
    if not all(map(math.isfinite, ends)):
        return "both"
    if old.is_percent is not new.is_percent:
        # none of the rows is the same number of them and the same share, and so with nothing else
        if _is_none(old):
            old = replace(NONE, is_percent=new.is_percent)
        elif _is_none(new):
            new = replace(NONE, is_percent=old.is_percent)
        else:
            return "both"
        ends.append(0)
    return _of_sets(old.holds, new.holds, _probes(ends, is_count=is_count, is_percent=new.is_percent))


def of_count(limit: Limit, *, is_more: bool) -> Direction:
    """Of a rule that counts more rows than it did, or fewer, and holds their number against the same limit."""
    ends = [each for each in (limit.value, limit.high) if each is not None]
    if not all(map(math.isfinite, ends)):
        return "both"
    passes = [limit.holds(each) for each in _probes(ends, is_count=True, is_percent=limit.is_percent)]
    if all(passes) or not any(passes):
        return "untested"
    if passes == sorted(passes, reverse=True):
        return "tightens" if is_more else "loosens"
    return ("loosens" if is_more else "tightens") if passes == sorted(passes) else "both"


def of_levels(old: Collection[Any], new: Collection[Any], limit: Limit) -> Direction:
    """Of the values that are valid."""
    before, now = set(map(level, old)), set(map(level, new))
    return joined(
        [
            *([of_count(limit, is_more=False)] if now - before else []),
            *([of_count(limit, is_more=True)] if before - now else []),
        ]
    )


def level(value: Any) -> str:
    """A value as data holds it: 1, 1.0 and '1' are the same in a file of text."""
    if isinstance(value, float) and math.isfinite(value) and value == int(value):
        value = int(value)
    return str(value)


def of_types(old: str, new: str) -> Direction:
    """Of logical types: every integer is a number."""
    if old == new:
        return "untested"
    if not old or not new:
        return "tightens" if new else "loosens"
    return {("integer", "number"): "loosens", ("number", "integer"): "tightens"}.get((old, new), "both")  # type: ignore[return-value]


def of_ends(old: Mapping[str, Any], new: Mapping[str, Any], end: End, *, kind: str) -> Direction:
    """Of one end of a range, included or excluded, for values of this type."""
    exclusive = f"exclusive{end.capitalize()}"
    if [old.get(each) for each in (end, exclusive)] == [new.get(each) for each in (end, exclusive)]:
        return "untested"
    has_old, has_new = (any(side.get(each) is not None for each in (end, exclusive)) for side in (old, new))
    if not has_old or not has_new:
        return "tightens" if has_new else "loosens"
    before, now = (_end(side, end, exclusive, kind) for side in (old, new))
    if before is None or now is None:
        return "both"
    if before == now:
        return "untested"
    return "tightens" if (now > before) == (end == "minimum") else "loosens"


def of_multiples(old: Any, new: Any) -> Direction:
    """Of what values are multiples of."""
    if not math.isfinite(old) or not math.isfinite(new):
        return "untested" if old == new else "both"
    before, now = Fraction(str(old)), Fraction(str(new))
    if before == now:
        return "untested"
    if now % before == 0:
        return "tightens"
    return "loosens" if before % now == 0 else "both"


def _end(side: Mapping[str, Any], end: str, exclusive: str, kind: str) -> tuple[Any, int] | None:
    """Where the range ends, and which way the value itself falls; None for what cannot be compared."""
    sign, found = (1 if end == "minimum" else -1), []
    for key, is_out in ((end, False), (exclusive, True)):
        if side.get(key) is None:
            continue
        value = _comparable(side[key], kind)
        if value is None:
            return None
        if kind in ("integer", "date"):  # above 0 is from 1 on
            whole = math.ceil(value * sign) if not is_out else math.floor(value * sign) + 1
            found.append((whole * sign, 0))
        else:
            found.append((value, sign if is_out else 0))
    return max(found) if sign > 0 else min(found)


def _comparable(value: Any, kind: str) -> Any:
    if kind in ("date", "timestamp", "time"):
        return _moment(str(value), kind)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return value


def _moment(text: str, kind: str) -> float | None:
    """Days, or seconds; a time without a zone is one of UTC."""
    try:
        if kind == "time":
            time = datetime.time.fromisoformat(text)
            return time.hour * 3600 + time.minute * 60 + time.second + time.microsecond / 1e6
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    seconds = (moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).timestamp()
    return seconds / 86400 if kind == "date" else seconds


def _of_sets(before: Callable[[float], bool], now: Callable[[float], bool], probes: Iterable[float]) -> Direction:
    sides = [(before(each), now(each)) for each in probes]
    found: list[Direction] = ["loosens"] if (False, True) in sides else []
    return joined([*found, "tightens"] if (True, False) in sides else found)


def _probes(ends: Iterable[float], *, is_count: bool, is_percent: bool) -> list[float]:
    """Numbers that tell limits apart, which change their answer at their ends only."""
    known: list[float] = sorted({*ends, *([0, 100] if is_percent else [0] if is_count else [])})
    if is_count and not is_percent:
        return sorted({each for end in known for each in range(math.floor(end) - 1, math.ceil(end) + 2) if each >= 0})
    between = [(low + high) / 2 for low, high in itertools.pairwise(known)]
    every = sorted([*known, *between, known[0] - 1, known[-1] + 1])
    return [each for each in every if 0 <= each <= 100] if is_percent else every


def _is_none(limit: Limit) -> bool:
    """Whether not a single row may be counted."""
    probes = _probes([limit.value, limit.high or 0], is_count=True, is_percent=limit.is_percent)
    return all(limit.holds(each) == (each == 0) for each in probes)
