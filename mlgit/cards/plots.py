"""Plots as SVG text: the same numbers give the same bytes; readable in light and dark, and by a screen reader."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from mlgit.cards.curves import Bin, Point
from mlgit.render import plain

_SIZE, _LEFT, _TOP, _RIGHT, _BOTTOM = 300, 84, 40, 20, 56
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#24292f}"
    ".t{font-size:14px;font-weight:600}.a{stroke:#6e7781;stroke-width:1;fill:none}.g{stroke:#d0d7de;stroke-width:1}"
    ".l{stroke:#0969da;stroke-width:2;fill:none;stroke-linejoin:round}.d{fill:#0969da}.n{stroke:#6e7781;stroke-dasharray:4 4}"
    ".c{fill:#0969da}.i{fill:#ffffff}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.a{stroke:#8b949e}.g{stroke:#30363d}.l{stroke:#58a6ff}"
    ".d{fill:#58a6ff}.n{stroke:#8b949e}.c{fill:#58a6ff}.i{fill:#0d1117}}"
)


def roc(points: Sequence[Point], *, area: float | None = None) -> str:
    """A ROC curve with the line of chance; `area` below it is told in the title."""
    title = "ROC curve" if area is None else f"ROC curve, area {area:.4f}"
    said = f"{title}. True positive rate over false positive rate, through {len(points)} points."
    path = "M" + " L".join(_at(point, (0, 1), (0, 1)) for point in points)
    body = [*_axes((0, 1), (0, 1), "False positive rate", "True positive rate"), _chance(), f'<path class="l" d="{path}"/>']
    return _figure(title, said, body)


def calibration(bins: Sequence[Bin]) -> str:
    """How often rows with a score were positive, over the score; on the diagonal a score is a probability."""
    said = "Calibration. " + " ".join(f"Score {each.score:.2f}: {each.share:.2f} of {each.rows} positive." for each in bins)
    path = "M" + " L".join(_at((each.score, each.share), (0, 1), (0, 1)) for each in bins)
    body = [*_axes((0, 1), (0, 1), "Mean score", "Share of positives"), _chance(), f'<path class="l" d="{path}"/>']
    body += [_dot((each.score, each.share), (0, 1), (0, 1), 4) for each in bins]
    return _figure("Calibration", said, body)


def confusion(classes: Sequence[str], counts: Sequence[Sequence[int]]) -> str:
    """Truth (rows) against prediction (columns); a cell is as dark as its share of the row."""
    cell = _SIZE / len(classes)
    body = [
        f'<text x="{_LEFT + _SIZE / 2:.1f}" y="{_TOP + _SIZE + 42}" text-anchor="middle">Prediction</text>',
        f'<text transform="translate(16 {_TOP + _SIZE / 2:.1f}) rotate(-90)" text-anchor="middle">Truth</text>',
    ]
    for row, (name, found) in enumerate(zip(classes, counts, strict=True)):
        middle = _TOP + (row + 0.5) * cell
        body.append(f'<text x="{_LEFT - 8}" y="{middle + 4:.1f}" text-anchor="end">{_words(name, 8)}</text>')
        across = _LEFT + (row + 0.5) * cell
        body.append(f'<text x="{across:.1f}" y="{_TOP + _SIZE + 20}" text-anchor="middle">{_words(name, 8)}</text>')
        total = sum(found)
        for column, number in enumerate(found):
            share = number / total if total else 0.0
            left, top = _LEFT + column * cell, _TOP + row * cell
            place = f'x="{left:.1f}" y="{top:.1f}" width="{cell:.1f}" height="{cell:.1f}"'
            body.append(f'<rect class="c" {place} fill-opacity="{share:.2f}"/><rect class="a" {place}/>')
            ink = ' class="i"' if share > 0.5 else ""
            body.append(f'<text{ink} x="{left + cell / 2:.1f}" y="{middle + 4:.1f}" text-anchor="middle">{number}</text>')
    told = [
        f"Truth {plain(name)}: " + ", ".join(f"{number} as {plain(said)}" for said, number in zip(classes, found, strict=True))
        for name, found in zip(classes, counts, strict=True)
    ]
    return _figure("Confusion matrix", "Confusion matrix. " + "; ".join(told) + ".", body)


def residuals(points: Sequence[Point]) -> str:
    """Truth minus prediction over the prediction, with the line of no error."""
    across, up = _range([x for x, _ in points]), _range([0.0, *(y for _, y in points)])
    said = f"Residuals of {len(points)} rows: truth minus prediction, between {min(y for _, y in points):.4g} and "
    said += f"{max(y for _, y in points):.4g}."
    start, end = _at((across[0], 0), across, up), _at((across[1], 0), across, up)
    body = [*_axes(across, up, "Prediction", "Truth minus prediction"), f'<path class="n" d="M{start} L{end}"/>']
    body += [_dot(point, across, up, 2.5) for point in points]
    return _figure("Residuals", said, body)


def _figure(title: str, said: str, body: Sequence[str]) -> str:
    width, height = _LEFT + _SIZE + _RIGHT, _TOP + _SIZE + _BOTTOM
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img"'
    )
    shown = f'<text class="t" x="{_LEFT}" y="24">{escape(title)}</text>'
    lines = [f'{head} aria-labelledby="t d">', f'<title id="t">{escape(title)}</title>', f'<desc id="d">{escape(said)}</desc>']
    return "\n".join([*lines, f"<style>{_STYLE}</style>", shown, *body, "</svg>"]) + "\n"


def _axes(across: tuple[float, float], up: tuple[float, float], below: str, left: str) -> list[str]:
    rows = []
    for step in range(5):
        x, y = across[0] + (across[1] - across[0]) * step / 4, up[0] + (up[1] - up[0]) * step / 4
        column, row = _LEFT + _SIZE * step / 4, _TOP + _SIZE - _SIZE * step / 4
        rows.append(f'<path class="g" d="M{column:.1f} {_TOP} V{_TOP + _SIZE} M{_LEFT} {row:.1f} H{_LEFT + _SIZE}"/>')
        rows.append(f'<text x="{column:.1f}" y="{_TOP + _SIZE + 18}" text-anchor="middle">{_tick(x)}</text>')
        rows.append(f'<text x="{_LEFT - 8}" y="{row + 4:.1f}" text-anchor="end">{_tick(y)}</text>')
    rows.append(f'<rect class="a" x="{_LEFT}" y="{_TOP}" width="{_SIZE}" height="{_SIZE}"/>')
    rows.append(f'<text x="{_LEFT + _SIZE / 2:.1f}" y="{_TOP + _SIZE + 42}" text-anchor="middle">{below}</text>')
    middle = f"{_TOP + _SIZE / 2:.1f}"
    rows.append(f'<text transform="translate(16 {middle}) rotate(-90)" text-anchor="middle">{left}</text>')
    return rows


def _chance() -> str:
    return f'<path class="n" d="M{_at((0, 0), (0, 1), (0, 1))} L{_at((1, 1), (0, 1), (0, 1))}"/>'


def _at(point: Point, across: tuple[float, float], up: tuple[float, float]) -> str:
    x = _LEFT + _SIZE * (point[0] - across[0]) / (across[1] - across[0])
    y = _TOP + _SIZE - _SIZE * (point[1] - up[0]) / (up[1] - up[0])
    return f"{x:.1f} {y:.1f}"


def _dot(point: Point, across: tuple[float, float], up: tuple[float, float], radius: float) -> str:
    x, y = _at(point, across, up).split()
    return f'<circle class="d" cx="{x}" cy="{y}" r="{radius:g}"/>'


def _range(values: Sequence[float]) -> tuple[float, float]:
    """The least and greatest value with some room, never the same."""
    low, high = min(values), max(values)
    room = (high - low) * 0.05 or abs(low) * 0.05 or 1.0
    return low - room, high + room


def _tick(value: float) -> str:
    return "0" if math.isclose(value, 0, abs_tol=1e-12) else f"{value:.3g}"


def _words(text: str, most: int) -> str:
    shown = plain(text)
    return escape(shown if len(shown) <= most else f"{shown[: most - 1]}…")
