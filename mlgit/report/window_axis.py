"""The axis that all figures of a timeline share: a slot for each window, and a mark where another version was watched."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from mlgit.monitoring.chain import JudgedWindow
from mlgit.monitoring.verdict import VerdictWord
from mlgit.render import svg
from mlgit.render.svg import clipped, element

WIDTH = 1000
LEFT, RIGHT = 150, 20
# Labels closer than this run into each other.
_APART = 120.0
_VERSION_APART = 60.0
FONT = 12
TONES: dict[VerdictWord, str] = {"quiet": "good", "watch": "warn", "page": "bad", "cannot_tell": "plain"}


@dataclass(frozen=True, slots=True)
class WindowAxis:
    """The windows of a timeline from left to right."""

    windows: tuple[JudgedWindow, ...]

    @property
    def slot(self) -> float:
        """The width that one window has."""
        return (WIDTH - LEFT - RIGHT) / max(1, len(self.windows))

    def start(self, place: int) -> float:
        """Where the slot of a window begins."""
        return LEFT + place * self.slot

    def middle(self, place: int) -> float:
        """The middle of the slot of a window."""
        return self.start(place) + self.slot / 2

    def versions(self, *, top: float, bottom: float) -> Iterator[str]:
        """A line where the version changes, with its name above; names that would run into each other are left out."""
        last, free = "", 0.0
        for place, each in enumerate(self.windows):
            version = each.verdict.version
            if version == last:
                continue
            last, x = version, self.start(place)
            if place:
                line = {"d": f"M{x:.1f} {top:.1f}V{bottom:.1f}", "stroke": "var(--link)", "stroke-dasharray": "2 3"}
                yield element("path", line)
            if x >= free:
                yield label(clipped(version, 16), x + (3 if place else 0), top - 4, anchor="start", fill="var(--link)")
                free = x + _VERSION_APART

    def names(self, y: float) -> Iterator[str]:
        """The names of the first and last window, and of some between them."""
        n = len(self.windows)
        step = max(1, math.ceil(_APART / self.slot))
        for place in range(0, n, step):
            if place and n - 1 - place < step and place != n - 1:
                continue  # too near to the last one
            yield self._name(place, y)
        if (n - 1) % step:
            yield self._name(n - 1, y)

    def _name(self, place: int, y: float) -> str:
        anchor = "start" if place == 0 else "end" if place == len(self.windows) - 1 else "middle"
        x = {"start": float(LEFT), "end": float(WIDTH - RIGHT), "middle": self.middle(place)}[anchor]
        return label(clipped(self.windows[place].verdict.window.name, 18), x, y, anchor=anchor)


def label(words: str, x: float, y: float, *, anchor: str, fill: str = "var(--soft)") -> str:
    """Words on a figure."""
    return svg.text(words, {"x": float(x), "y": float(y), "font-size": FONT, "fill": fill}, anchor=anchor)


def figure(axis: WindowAxis, body: list[str], *, height: int, title: str, description: str, caption: str) -> str:
    """A figure as wide as a desk; a phone moves it sideways."""
    drawing = svg.inside_page(body, width=WIDTH, height=height, title=title, description=description)
    named = f"<figcaption><strong>{svg.safe(title)}</strong> {svg.safe(caption)}</figcaption>"
    place = f'<div class="scroll" role="region" aria-label="{svg.safe(title)}" tabindex="0">'
    return f"<figure>\n{named}\n{place}\n{drawing}\n</div>\n</figure>"
