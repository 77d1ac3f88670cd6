"""A card's plots as files: the same numbers give the same bytes; readable in light and dark, and by a screen reader."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from mlgit.cards.curves import RANGES, Bin, Point
from mlgit.render import class_names, svg
from mlgit.render.svg import Frame, Span, element, text
from mlgit.render.text import plain

_UNIT = Frame(left=84, top=40, width=300, height=300, across=(0, 1), up=(0, 1))
_RIGHT, _BOTTOM, _STRIP = 20, 56, 44
_LETTERS = 12  # their size, as in the style below
_TURNED_TITLE = 24  # what the title at the left takes
_DARKEST = 0.6  # of a cell, so that the number in it can be read in light and dark
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#24292f}"
    ".t{font-size:14px;font-weight:600}.a{stroke:#6e7781;stroke-width:1;fill:none}.g{stroke:#d0d7de;stroke-width:1}"
    ".l{stroke:#0969da;stroke-width:2;fill:none;stroke-linejoin:round}.d{fill:#0969da}.n{stroke:#6e7781;stroke-dasharray:4 4}"
    ".c{fill:#0969da}.b{fill:#54aeff}.s{font-size:10px}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.a{stroke:#8b949e}.g{stroke:#30363d}.l{stroke:#58a6ff}"
    ".d{fill:#58a6ff}.n{stroke:#8b949e}.c{fill:#58a6ff}.b{fill:#1f6feb}}"
)


def roc(points: Sequence[Point], *, area: float | None = None) -> str:
    """A ROC curve with the line of chance; `area` below it is told in the title."""
    title = "ROC curve" if area is None else f"ROC curve, area {area:.4f}"
    said = f"{title}. True positive rate over false positive rate, through {len(points)} points."
    line = element("path", {"class": "l", "d": _UNIT.path(points)})
    return _file(title, said, [*_axes(_UNIT, "False positive rate", "True positive rate"), _diagonal(), line])


def calibration(bins: Sequence[Bin]) -> str:
    """How often rows with a score were positive, over the score, and how many rows there are; on the diagonal a score is
    a probability."""
    said = "Calibration. " + " ".join(f"Score {each.score:.2f}: {each.share:.2f} of {each.rows} positive." for each in bins)
    points = [(each.score, each.share) for each in bins]
    line = element("path", {"class": "l", "d": _UNIT.path(points)})
    body = [*_axes(_UNIT, "Mean score", "Share of positives"), _diagonal(), line]
    body += [_dot(_UNIT, point, "4") for point in points]
    return _file("Calibration", said, [*body, *_counts(bins)], below=_STRIP + 28)


def _counts(bins: Sequence[Bin]) -> list[str]:
    """A bar for the rows of each range of scores, with their number above it."""
    most, bottom = max((each.rows for each in bins), default=1), _UNIT.bottom + _BOTTOM + 14 + _STRIP
    wide = _UNIT.width / RANGES
    found = [text("Rows", {"transform": f"translate(16 {bottom - _STRIP / 2:.1f}) rotate(-90)"}, anchor="middle")]
    for each in bins:
        left = _UNIT.left + wide * min(int(each.score * RANGES), RANGES - 1)
        high = max(1.0, _STRIP * each.rows / most)
        found.append(element("rect", {"class": "b", "x": left + 2, "y": bottom - high, "width": wide - 4, "height": high}))
        found.append(text(_short(each.rows), {"class": "s", "x": left + wide / 2, "y": bottom - high - 4}, anchor="middle"))
    return [*found, element("path", {"class": "a", "d": f"M{_UNIT.left} {bottom} H{_UNIT.right}"})]


def _short(rows: int) -> str:
    """A number of at most five signs."""
    for size, sign in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if rows >= size:
            return f"{rows / (1e3 if sign == 'k' else size):.3g}{sign}"
    return str(rows)


def confusion(classes: Sequence[str], counts: Sequence[Sequence[int]]) -> str:
    """Truth (rows) against prediction (columns); a cell is as dark as its share of the row."""
    cell = _UNIT.width / len(classes)
    frame = replace(_UNIT, left=max(_UNIT.left, class_names.room(classes, size=_LETTERS) + _TURNED_TITLE))
    deeper = class_names.depth(classes, column=cell, size=_LETTERS)
    body = _titles(frame, "Prediction", "Truth", deeper=deeper)
    body += class_names.below(classes, {}, left=frame.left, y=frame.bottom + 20.0, column=cell, size=_LETTERS)
    for row, (name, found) in enumerate(zip(class_names.shown(classes), counts, strict=True)):
        middle = frame.top + (row + 0.5) * cell
        body.append(text(name, {"x": frame.left - 8, "y": middle + 4}, anchor="end"))
        for column, number in enumerate(found):
            share = number / sum(found) if sum(found) else 0.0
            left = frame.left + column * cell
            place = {"x": left, "y": frame.top + row * cell, "width": cell, "height": cell}
            shade = element("rect", {"class": "c", **place, "fill-opacity": f"{_DARKEST * share:.2f}"})
            body.append(shade + element("rect", {"class": "a", **place}))
            body.append(text(str(number), {"x": left + cell / 2, "y": middle + 4}, anchor="middle"))
    told = [
        f"Truth {plain(name)}: " + ", ".join(f"{number} as {plain(said)}" for said, number in zip(classes, found, strict=True))
        for name, found in zip(classes, counts, strict=True)
    ]
    return _file("Confusion matrix", "Confusion matrix. " + "; ".join(told) + ".", body, frame=frame, below=deeper)


def residuals(points: Sequence[Point]) -> str:
    """Truth minus prediction over the prediction, with the line of no error."""
    across, up = _range([x for x, _ in points]), _range([0.0, *(y for _, y in points)])
    frame = replace(_UNIT, across=across, up=up)
    said = f"Residuals of {len(points)} rows: truth minus prediction, between {min(y for _, y in points):.4g} and "
    said += f"{max(y for _, y in points):.4g}."
    no_error = element("path", {"class": "n", "d": frame.path([(across[0], 0), (across[1], 0)])})
    body = [*_axes(frame, "Prediction", "Truth minus prediction"), no_error, *(_dot(frame, point, "2.5") for point in points)]
    return _file("Residuals", said, body)


def _file(title: str, said: str, body: Sequence[str], *, frame: Frame = _UNIT, below: int = 0) -> str:
    shown = element("text", {"class": "t", "x": frame.left, "y": 24}, title)
    size = {"width": frame.right + _RIGHT, "height": frame.bottom + _BOTTOM + below}
    return svg.file([shown, *body], width=size["width"], height=size["height"], title=title, description=said, style=_STYLE)


def _axes(frame: Frame, below: str, left: str) -> list[str]:
    rows = []
    for step in range(5):
        x, y = (low + (high - low) * step / 4 for low, high in (frame.across, frame.up))
        column, row = frame.left + frame.width * step / 4, frame.bottom - frame.height * step / 4
        lines = f"M{column:.1f} {frame.top} V{frame.bottom} M{frame.left} {row:.1f} H{frame.right}"
        rows.append(element("path", {"class": "g", "d": lines}))
        rows.append(text(_tick(x), {"x": column, "y": frame.bottom + 18}, anchor="middle"))
        rows.append(text(_tick(y), {"x": frame.left - 8, "y": row + 4}, anchor="end"))
    border = {"x": frame.left, "y": frame.top, "width": frame.width, "height": frame.height}
    return [*rows, element("rect", {"class": "a", **border}), *_titles(frame, below, left)]


def _titles(frame: Frame, below: str, left: str, *, deeper: int = 0) -> list[str]:
    turned = f"translate(16 {frame.top + frame.height / 2:.1f}) rotate(-90)"
    return [
        text(below, {"x": frame.left + frame.width / 2, "y": frame.bottom + 42 + deeper}, anchor="middle"),
        text(left, {"transform": turned}, anchor="middle"),
    ]


def _diagonal() -> str:
    return element("path", {"class": "n", "d": _UNIT.path([(0, 0), (1, 1)])})


def _dot(frame: Frame, point: Point, radius: str) -> str:
    x, y = frame.spot(*point)
    return element("circle", {"class": "d", "cx": x, "cy": y, "r": radius})


def _range(values: Sequence[float]) -> Span:
    """The least and greatest value with some room, never the same."""
    low, high = min(values), max(values)
    room = (high - low) * 0.05 or abs(low) * 0.05 or 1.0
    return low - room, high + room


def _tick(value: float) -> str:
    return "0" if math.isclose(value, 0, abs_tol=1e-12) else f"{value:.3g}"
