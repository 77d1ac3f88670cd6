"""The table of what runs now, in the columns and lines that the terminal has: what does not fit is left out, never wrapped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mlgit.render.terminal import cut, paint, width
from mlgit.render.text import count, plain, seconds

_ROOMY = 60  # columns from which a word for the state stands in each row
_LEAST_LINE = 10


class Row(NamedTuple):
    """A stage that has run for `elapsed` seconds, and took `expected` when it ran last; `said` is its last line."""

    name: str
    elapsed: float
    expected: float | None = None
    said: str = ""


def rows(running: Sequence[Row], *, summary: Sequence[str], columns: int, lines: int, color: bool) -> list[str]:
    """The table's lines; the last is the first form of the `summary` that fits."""
    most = max(1, lines - 3)
    shown = running if len(running) <= most else running[: most - 1]
    found = _rows(shown, columns, color=color) if shown else []
    if len(shown) < len(running):
        found.append(paint(cut(f"… {len(running) - len(shown)} more running", columns), "dim", color=color))
    last = next((text for text in summary if width(text) <= columns), summary[-1])
    return [*found, paint(cut(last, columns), "dim", color=color)]


def _rows(running: Sequence[Row], columns: int, *, color: bool) -> list[str]:
    state = "running  " if columns >= _ROOMY else ""
    names = [plain(each.name) for each in running]
    times = [seconds(each.elapsed) for each in running]
    lefts = [_left(each) for each in running]
    for_time, for_left = max(map(width, times)), max(map(width, lefts))
    for_name = min(max(map(width, names)), max(8, columns // 3), max(1, columns - len(state) - for_time - 2))
    used = len(state) + for_name + 2 + for_time
    has_left = bool(for_left) and used + 2 + for_left <= columns
    used += 2 + for_left if has_left else 0
    found = []
    for each, name, time, left in zip(running, names, times, lefts, strict=True):
        text = f"{state}{_filled(cut(name, for_name), for_name)}  {time:>{for_time}}"
        text += f"  {left:<{for_left}}" if has_left else ""
        said = plain(each.said.expandtabs(1)).strip() if columns - used - 2 >= _LEAST_LINE else ""
        text = cut(text.rstrip() if not said else text, columns)
        found.append(text + ("  " + paint(cut(said, columns - used - 2), "dim", color=color) if said else ""))
    return found


def _left(row: Row) -> str:
    if row.expected is None:
        return ""
    left = row.expected - row.elapsed
    return f"~{about(left)} left" if left > 0 else f"usually {about(row.expected)}"


def about(duration: float) -> str:
    """A duration that is only roughly known: 5 s, 12 min, 2 h 04 min."""
    if duration < 59.5:
        return f"{max(1, round(duration))} s"
    return f"{round(duration / 60)} min" if duration < 3570 else seconds(duration)


def summary(done: int, total: int, *, left: float, unknown: int) -> list[str]:
    """How far the run is and about how long it goes on, from the longest form to the shortest."""
    short = f"{done} of {total}"
    if left <= 0:
        return [short]
    untimed = f" ({count(unknown, 'stage')} never ran here)" if unknown else ""
    text = f"{short}, {'at least' if unknown else 'about'} {about(left)} left"
    return [f"{text}{untimed}", text, f"{short}, ~{about(left)}", short]


def _filled(text: str, columns: int) -> str:
    return text + " " * (columns - width(text))
