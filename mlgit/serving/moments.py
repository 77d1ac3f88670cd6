"""Texts as dates, times and moments, as contracts mean them and DuckDB reads them: by ISO 8601, or by a column's own form.

A date is its number of days since 1970, a time of day and a moment their microseconds: years beyond 9999 are some, too.
"""

from __future__ import annotations

import calendar
import re
from datetime import date
from functools import lru_cache

from mlgit.validation.cells import date_parts

_DAY = 86_400_000_000
# Microseconds that a number of 64 bits holds.
_LARGEST = 2**63
# No moment is written so long: what looks through it ends.
_LONGEST = 100
_SPACE = r"[ \t\n\v\f\r]"
_CLOCK = r"(?P<hour>[0-9]+):(?:(?P<minute>[0-9]{1,2})(?::(?:(?P<second>[0-9]{1,2})(?:\.(?P<part>[0-9]*))?)?)?)?"
_OFFSET = r"(?P<sign>[+-])(?P<zone_hour>[0-9]{2})(?::?(?P<zone_minute>[0-9]{2})(?::(?P<zone_second>[0-9]{2}))?)?"
_ZONE = rf"(?:(?:Z|{_OFFSET}|[ ]+(?i:UTC|GMT|Etc/UTC)){_SPACE}*)?"
_DATE = re.compile(r"[ \t\n\f\r]*([0-9]{4,5})-([0-9]{1,2})-([0-9]{1,2})(?:[ T]00:00(?::00(?:\.0*)?)?[ ]*|[ \t\n\f\r]*)")
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?Z?")
_MOMENT = re.compile(
    rf"{_SPACE}*(?P<year>-?[0-9]+)(?P<between>[-/ \\])(?P<month>[0-9]{{1,2}})(?P=between)(?P<day>[0-9]{{1,2}})"
    rf"(?P<before>{_SPACE}\(BC\))?(?:(?:T|{_SPACE}){_SPACE}*{_CLOCK}{_ZONE}[ ]*)?"
)
_MONTHS = tuple(each.lower() for each in calendar.month_name)
_SHORT_MONTHS = tuple(each.lower() for each in calendar.month_abbr)
_DAYS = {each.lower() for each in calendar.day_name}
_SHORT_DAYS = {each.lower() for each in calendar.day_abbr}


def read(text: str, kind: str, *, form: str = "") -> int | None:
    """The value of a text; None for one that is no such moment. Moments without a zone are of UTC."""
    if len(text) > _LONGEST:
        return None
    if form:
        return _by_form(text, kind, form)
    if kind == "date":
        found = _DATE.fullmatch(text)
        return _days(int(found[1]), int(found[2]), int(found[3])) if found else None
    if kind == "time":
        found = _TIME.fullmatch(text)
        return _clock(found[1], found[2], found[3], found[4]) if found else None
    found = _MOMENT.fullmatch(text)
    return _moment(found) if found else None


def _moment(found: re.Match[str]) -> int | None:
    year = int(found["year"])
    if found["before"]:
        if year < 1:
            return None
        year = 1 - year
    days = _days(year, int(found["month"]), int(found["day"]))
    clock = _clock(found["hour"], found["minute"], found["second"], found["part"]) if found["hour"] else 0
    if days is None or clock is None:
        return None
    hours, minutes, seconds = (int(found[f"zone_{each}"] or 0) for each in ("hour", "minute", "second"))
    ahead = ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 * (-1 if found["sign"] == "-" else 1)
    moment = days * _DAY + clock - ahead
    return moment if abs(moment) < _LARGEST else None


def _days(year: int, month: int, day: int) -> int | None:
    """The days since 1970-01-01; None where there is no such day."""
    if not 1 <= month <= 12:
        return None
    # a calendar repeats itself after 400 years
    turns, within = divmod(year, 400)
    try:
        return date(within + 2000, month, day).toordinal() - date(1970, 1, 1).toordinal() + (turns - 5) * 146_097
    except ValueError:
        return None


def _clock(hour: str, minute: str | None, second: str | None, part: str | None) -> int | None:
    """The microseconds since midnight; what is finer is cut off."""
    hours, minutes, seconds = int(hour), int(minute or 0), int(second or 0)
    micros = int((part or "")[:6].ljust(6, "0"))
    if hours > 24 or minutes > 59 or seconds > 59 or (hours == 24 and (minutes or seconds or micros)):
        return None
    return ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + micros


def _by_form(text: str, kind: str, form: str) -> int | None:
    pattern, letters = _pattern(form)
    found = pattern.fullmatch(text)
    if not found:
        return None
    given = dict(zip(letters, found.groups(), strict=True))
    day, clock = _day_of(given), _clock_of(given)
    if day is None or clock is None:
        return None
    moment = day * _DAY + clock - _zone_of(given.get("%z") or "Z")
    return moment if kind == "timestamp" else moment // _DAY if kind == "date" else moment % _DAY


@lru_cache(maxsize=1000)
def _pattern(form: str) -> tuple[re.Pattern[str], tuple[str, ...]]:
    """What is written in a form, with the letters of strptime for its groups."""
    pieces, letters = [], []
    for text, part in date_parts(form):
        if part is None:
            pieces.append(re.escape(text))
        else:
            letters.append(part[1])
            pieces.append(f"({part[2].replace(chr(92) + 'pL', '[A-Za-z]')})")
    return re.compile(r"[ \t\n\f\r]*" + "".join(pieces) + r"[ \t\n\f\r]*"), tuple(letters)


def _day_of(given: dict[str, str]) -> int | None:
    month: int | None = int(given.get("%m") or given.get("%-m") or 1)
    for letters, names in (("%B", _MONTHS), ("%b", _SHORT_MONTHS)):
        if letters in given:
            word = given[letters].lower()
            month = names.index(word) if word in names else None
    for letters, known in (("%A", _DAYS), ("%a", _SHORT_DAYS)):
        if letters in given and given[letters].lower() not in known:
            return None
    year = int(given.get("%Y", 1900))
    if "%y" in given:
        year = int(given["%y"]) + (2000 if int(given["%y"]) < 69 else 1900)
    return None if month is None else _days(year, month, int(given.get("%d") or given.get("%-d") or 1))


def _clock_of(given: dict[str, str]) -> int | None:
    hour = given.get("%H") or given.get("%-H") or "0"
    if "%I" in given:
        if not 1 <= int(given["%I"]) <= 12:
            return None
        hour = str(int(given["%I"]) % 12)
    if "%p" in given:
        half = given["%p"].lower()
        if half not in ("am", "pm") or int(hour) > 12:
            return None
        hour = str(int(hour) % 12 + (12 if half == "pm" else 0))
    if int(hour) > 23:
        return None
    part = given.get("%f") or given.get("%g") or ""
    return _clock(hour, given.get("%M") or given.get("%-M") or "0", given.get("%S") or given.get("%-S"), part)


def _zone_of(written: str) -> int:
    """How far a zone is ahead of UTC, in microseconds."""
    digits = written.lstrip("Zz+-").replace(":", "")
    minutes = int(digits[:2] or 0) * 60 + int(digits[2:4] or 0)
    return minutes * 60_000_000 * (-1 if written.startswith("-") else 1)
