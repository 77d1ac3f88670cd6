"""Which columns moved when: a row for each, a field for each window, the stronger the further it moved."""

from __future__ import annotations

from mlgit.monitoring import verdict_words
from mlgit.monitoring.verdict import ColumnDrift
from mlgit.render.svg import clipped, element
from mlgit.report.window_axis import LEFT, RIGHT, WIDTH, WindowAxis, figure, label

MOST_COLUMNS = 30
_ROW, _TOP = 18, 22
# Scores are in units of what quiet batches vary by: below the first nothing is drawn, from the second on it is full.
_FAINT, _FULL = 1.5, 8.0
_TOLD = 3.0


def heat_map(axis: WindowAxis) -> str:
    """The columns that moved most, in the order of how far; '' where none is known."""
    highest: dict[str, float] = {}
    for each in axis.windows:
        for column in each.verdict.columns:
            highest[column.name] = max(highest.get(column.name, 0.0), column.score)
    names = sorted(highest, key=lambda name: (-highest[name], name))
    shown = names[:MOST_COLUMNS]
    if not shown:
        return ""
    rows = {name: place for place, name in enumerate(shown)}
    bottom = _TOP + _ROW * len(shown)
    body = []
    for name, row in rows.items():
        y = _TOP + row * _ROW
        body.append(label(clipped(name, 20), LEFT - 8, y + 13, anchor="end", fill="var(--ink)"))
        body.append(element("path", {"d": f"M{LEFT} {y + _ROW}H{WIDTH - RIGHT}", "stroke": "var(--line)"}))
    for place, each in enumerate(axis.windows):
        for column in each.verdict.columns:
            if column.name in rows and column.score >= _FAINT:
                body += _field(axis, place, _TOP + rows[column.name] * _ROW, column)
    body += [*axis.versions(top=_TOP, bottom=bottom), *axis.names(bottom + 16)]
    left = len(names) - len(shown)
    caption = "the stronger, the further from the training data" + (
        f"; {left} columns that moved less are left out" if left else ""
    )
    said = ", ".join(f"{name} up to {highest[name]:.3g}" for name in shown[:10])
    return figure(axis, body, height=bottom + 24, title="Columns", description=said, caption=caption)


def _field(axis: WindowAxis, place: int, y: float, column: ColumnDrift) -> list[str]:
    strength = min(1.0, 0.15 + 0.85 * (column.score - _FAINT) / (_FULL - _FAINT))
    box = {"x": axis.start(place), "y": y + 1, "width": max(0.5, axis.slot), "height": _ROW - 2}
    drawn = element("rect", {**box, "fill": "var(--bad)", "fill-opacity": f"{strength:.2f}"})
    if column.score < _TOLD:
        return [drawn]
    name = axis.windows[place].verdict.window.name
    return ["<g>", element("title", {}, f"{name}, {verdict_words.moved(column)} (score {column.score:.3g})"), drawn, "</g>"]
