"""Confusion matrices of two sides beside each other, with the same classes in the same order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from mlgit.diff.plot_points import PlotSeries
from mlgit.render import class_names, svg
from mlgit.render.svg import element, safe

_MOST = 20
_LEFT, _TOP, _SIDE, _BELOW = 96, 24, 300, 76
_LETTERS = 13
DARKEST = 0.6  # of a cell, so that the number in it can be read in light and dark


def figures(
    series: Sequence[PlotSeries], *, is_normalized: bool, labels: tuple[str, str], sides: tuple[str, str]
) -> tuple[list[str], list[str]]:
    """A matrix for each series, and what a reader has to know: how many rows have this y (row) and this x (column)."""
    across = _ordered({_shown(x) for each in series for x, _ in each.points})
    down = _ordered({_shown(y) for each in series for _, y in each.points})
    if not across:
        return [], ["there are no rows in it"]
    if max(len(across), len(down)) > _MOST:
        return [], [f"{max(len(across), len(down))} classes are too many to be drawn, at most {_MOST} are"]
    several = len({(each.file, each.field) for each in series}) > 1
    order = sorted(series, key=lambda each: (each.file, each.field, sides.index(each.side)))
    drawn = []
    for each in order:
        name = f"{each.side}{f': {each.file} {each.field}' if several else ''}"
        counts = Counter((_shown(y), _shown(x)) for x, y in each.points)
        drawn.append(
            _matrix([[counts[row, column] for column in across] for row in down], down, across, name, labels, is_normalized)
        )
    return drawn, []


def _share(share: float) -> str:
    """Two digits, in as little room as there may be."""
    return "0" if not share else "1" if share == 1 else f"{share:.2f}".removeprefix("0")


def _shown(raw: Any) -> str:
    return str(raw)


def _ordered(names: set[str]) -> list[str]:
    """Numbers by size, then texts by letter."""

    def key(name: str) -> tuple[int, float, str]:
        try:
            return 0, float(name), name
        except ValueError:
            return 1, 0.0, name

    return sorted(names, key=key)


def _matrix(
    counts: list[list[int]], down: list[str], across: list[str], name: str, labels: tuple[str, str], is_normalized: bool
) -> str:
    wide, high = _SIDE / len(across), _SIDE / len(down)
    most = max((number for row in counts for number in row), default=0) or 1
    left = max(_LEFT, class_names.room([*down, labels[1]], size=_LETTERS) + 4)
    deeper = class_names.depth(across, column=wide, size=_LETTERS)
    ink: dict[str, str | float] = {"font-size": _LETTERS, "fill": "var(--ink)"}
    body = [
        _text(left - 8, 14.0, class_names.shown([labels[1]])[0], "end"),
        _text(left + _SIDE / 2, _TOP + _SIDE + 42 + deeper, svg.clipped(labels[0], 40), "middle"),
        *class_names.below(across, ink, left=left, y=_TOP + _SIDE + 18.0, column=wide, size=_LETTERS),
    ]
    for at, (row, found) in enumerate(zip(class_names.shown(down), counts, strict=True)):
        top = _TOP + at * high
        body.append(_text(left - 8, top + high / 2 + 4, row, "end"))
        total = sum(found)
        for place, number in enumerate(found):
            share = (number / total if total else 0.0) if is_normalized else number / most
            cell = {"x": left + place * wide, "y": top, "width": wide, "height": high}
            body.append(element("rect", {**cell, "fill": "var(--a)", "fill-opacity": f"{DARKEST * share:.2f}"}))
            body.append(element("rect", {**cell, "fill": "none", "stroke": "var(--line)"}))
            told = _share(share) if is_normalized else str(number)
            body.append(
                _text(left + (place + 0.5) * wide, top + high / 2 + 4, told, "middle", size=min(13, int(wide / 2.6) + 3))
            )
    said = "; ".join(
        f"{row}: " + ", ".join(f"{number} as {column}" for column, number in zip(across, found, strict=True))
        for row, found in zip(down, counts, strict=True)
    )
    drawing = svg.inside_page(
        body, width=left + _SIDE + 12, height=_TOP + _SIDE + _BELOW - 20 + deeper, title=name, description=said
    )
    return f"<figure>\n<figcaption>{safe(name)}</figcaption>\n{drawing}\n</figure>"


def _text(x: float, y: float, words: str, anchor: str, *, size: int = _LETTERS) -> str:
    return svg.text(words, {"x": float(x), "y": float(y), "font-size": size, "fill": "var(--ink)"}, anchor=anchor)
