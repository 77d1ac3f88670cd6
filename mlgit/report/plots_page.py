"""The plots of two sides as one HTML page: what differs first, curves over each other, images side by side."""

from __future__ import annotations

import base64
import itertools
import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from mlgit.diff.plot_points import PlotSeries
from mlgit.render.svg import safe
from mlgit.render.text import count
from mlgit.report import html_frame, plot_drawing
from mlgit.report.plot_drawing import MATRICES

MADE = "mlgit diff --plots"
# Images that DVC shows, and what browsers call them.
IMAGES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class PlotImage:
    """An image of one side; None where it has none."""

    side: str
    path: str
    content: bytes | None


@dataclass(frozen=True, slots=True)
class ComparedPlot:
    """A plot of both sides: series, or images; `troubles` say what could not be had."""

    name: str
    title: str
    template: str
    x: str
    y: str
    series: tuple[PlotSeries, ...] = ()
    images: tuple[PlotImage, ...] = ()
    troubles: tuple[str, ...] = ()

    @property
    def is_drawn(self) -> bool:
        """Whether there is anything to see."""
        return bool(self.series) or any(each.content is not None for each in self.images)

    def is_same(self, sides: tuple[str, str]) -> bool:
        """Whether both sides have it, and alike."""
        one, other = ([each for each in self.series if each.side == side] for side in sides)
        if [(each.file, each.field, each.points) for each in one] != [(each.file, each.field, each.points) for each in other]:
            return False
        first, second = ([each.content for each in self.images if each.side == side] for side in sides)
        return first == second and self.is_drawn

    def document(self) -> dict[str, Any]:
        """Its points as plain values; of images only which sides have them."""
        rows = [
            {"side": each.side, "file": each.file, "field": each.field, "points": [list(point) for point in each.points]}
            for each in self.series
        ]
        seen = [{"side": each.side, "path": each.path, "there": each.content is not None} for each in self.images]
        named = {"name": self.name, "title": self.title, "template": self.template, "x": self.x, "y": self.y}
        return {**named, "series": rows, "images": seen, "troubles": list(self.troubles)}


def page(plots: Iterable[ComparedPlot], *, sides: tuple[str, str]) -> str:
    """The page; the same plots give the same bytes."""
    listed = list(plots)
    same = [each for each in listed if each.is_same(sides)]
    lost = [each for each in listed if not each.is_drawn]
    moved = [each for each in listed if each.is_drawn and each not in same]
    said = f"{count(len(moved), 'plot')} {'differs' if len(moved) == 1 else 'differ'}, {len(same)} the same"
    said += f", {len(lost)} cannot be drawn." if lost else "."
    parts = [f"<h1>mlgit: plots of {safe(sides[1])} over {safe(sides[0])}</h1>", f"<p>{said}</p>"]
    parts += _sections([*moved, *lost], sides)
    if same:
        inside = "\n".join(_sections(same, sides))
        parts.append(f"<details>\n<summary>{count(len(same), 'plot')} without a difference</summary>\n{inside}\n</details>")
    return html_frame.document(f"mlgit: plots of {sides[1]} over {sides[0]}", "\n".join(parts), made=MADE)


def _sections(plots: Iterable[ComparedPlot], sides: tuple[str, str]) -> Iterator[str]:
    """One below the other; those of a single figure side by side where there is room."""
    for is_narrow, group in itertools.groupby(plots, key=lambda plot: not plot.images and plot.template not in MATRICES):
        drawn = "\n".join(_section(each, sides) for each in group)
        yield f'<div class="figures">\n{drawn}\n</div>' if is_narrow else drawn


def _section(plot: ComparedPlot, sides: tuple[str, str]) -> str:
    heading = f"<h2>{safe(plot.title)}</h2>"
    named = f"<p><code>{safe(plot.name)}</code></p>" if plot.title != plot.name else ""
    told = [f'<p class="notice" role="note">{safe(each)}</p>' for each in plot.troubles]
    found = [heading, named, *told, _figures(plot, sides), _images(plot, sides)]
    return "<section>\n" + "\n".join(part for part in found if part) + "\n</section>"


def _figures(plot: ComparedPlot, sides: tuple[str, str]) -> str:
    if not plot.series:
        return ""
    drawn, notes = plot_drawing.draw(
        plot.series, template=plot.template, title=plot.title, labels=(plot.x, plot.y), sides=sides
    )
    told = [f'<p class="notice" role="note">{safe(note)}</p>' for note in notes]
    return "\n".join([*told, '<div class="figures">', *drawn, "</div>"])


def _images(plot: ComparedPlot, sides: tuple[str, str]) -> str:
    if not plot.images:
        return ""
    by_side = {each.side: each for each in plot.images}
    parts = []
    for side in sides:
        each = by_side.get(side)
        caption = f"<figcaption>{safe(side)}</figcaption>"
        if each is None or each.content is None:
            parts.append(f"<figure>{caption}<p>not there</p></figure>")
            continue
        kind = IMAGES[posixpath.splitext(each.path)[1].lower()]
        source = f"data:{kind};base64,{base64.b64encode(each.content).decode()}"
        parts.append(f'<figure>{caption}<img alt="{safe(f"{plot.title} of {side}")}" src="{source}"></figure>')
    return '<div class="pair">\n' + "\n".join(parts) + "\n</div>"
