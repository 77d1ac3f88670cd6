"""The graph as SVG: a file that can be read in light and dark, with whole names, however long they are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from mlgit.pipeline.graph_layout import Box, Edge, EdgePiece, layered
from mlgit.render import svg
from mlgit.render.svg import element
from mlgit.render.terminal import width
from mlgit.render.text import count, few, plain

_LINE, _CHAR, _BESIDE, _ABOVE = 17, 7.9, 14, 8
_LONGEST, _MOST_LINES = 34, 6  # columns of a line, lines of a box
_HEAD = 7.0
_STYLE = (
    "text{font:13px ui-monospace,monospace;fill:#1b2a41}rect{fill:#eef3fb;stroke:#4a6fa5}"
    ".e{fill:none;stroke:#59636e;stroke-width:1.4}.h{fill:#59636e}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}rect{fill:#16202e;stroke:#6f9bd8}.e{stroke:#9198a1}.h{fill:#9198a1}}"
)


def picture(names: Mapping[int, str], edges: Sequence[Edge]) -> str:
    """The named boxes and the edges between them; the first of an edge has the smaller number."""
    lines = {number: _lines(plain(name)) for number, name in names.items()}
    sizes = {
        number: (max(map(width, rows)) * _CHAR + 2 * _BESIDE, float(len(rows) * _LINE + 2 * _ABOVE))
        for number, rows in lines.items()
    }
    found = layered(sizes, edges)
    body = [element("path", {"class": "e", "d": _curve(run)}) for run in found.runs]
    body += [element("path", {"class": "h", "d": f"M{x:.1f} {y:.1f}l-4.5 -{_HEAD:g}h9z"}) for x, y in found.heads]
    body += [part for number, box in found.boxes.items() for part in _box(box, lines[number], plain(names[number]))]
    said = f"{count(len(names), 'stage')}. {_described(names, edges)}"
    size = {"width": round(found.width), "height": round(found.height)}
    return svg.file(body, width=size["width"], height=size["height"], title="Pipeline", description=said, style=_STYLE)


def _curve(run: EdgePiece) -> str:
    if run.x == run.end_x:
        return f"M{run.x:.1f} {run.y:.1f}V{run.end_y:.1f}"
    # upright at both ends, so that it enters a box from above
    bend = (run.end_y - run.y) * 0.55
    return (
        f"M{run.x:.1f} {run.y:.1f}C{run.x:.1f} {run.y + bend:.1f} {run.end_x:.1f} {run.end_y - bend:.1f} "
        f"{run.end_x:.1f} {run.end_y:.1f}"
    )


def _box(box: Box, lines: Sequence[str], name: str) -> list[str]:
    place = {"x": box.left, "y": box.top, "width": box.width, "height": box.height, "rx": 6}
    middle = box.left + box.width / 2
    words = [
        svg.text(line, {"x": middle, "y": box.top + _ABOVE + 13 + _LINE * index}, anchor="middle")
        for index, line in enumerate(lines)
    ]
    return ["<g>", element("title", {}, name), element("rect", place), *words, "</g>"]


def _lines(name: str) -> list[str]:
    """The name in lines that fit, broken behind a sign where there is one; of a very long one the middle is left out."""
    found: list[str] = []
    line = ""
    for part in re.findall(r"[^@/:,=_. -]*[@/:,=_. -]?", name):
        if line and width(line + part) > _LONGEST:
            found.append(line)
            line = ""
        for char in part:
            if width(line + char) > _LONGEST:
                found.append(line)
                line = ""
            line += char
    found.append(line)
    if len(found) <= _MOST_LINES:
        return found
    half = _MOST_LINES // 2
    return [*found[:half], "…", *found[-(_MOST_LINES - half - 1) :]]


def _described(names: Mapping[int, str], edges: Sequence[Edge]) -> str:
    needs: dict[int, list[str]] = {}
    for first, last in edges:
        needs.setdefault(last, []).append(plain(names[first]))
    told = [f"{plain(name)} needs {few(needs[number])}" for number, name in names.items() if number in needs]
    return few(told, most=40).replace(" and ", "; and ") if len(told) > 40 else "; ".join(told)
