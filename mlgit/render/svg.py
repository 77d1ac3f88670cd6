"""The one writer of SVG: elements with everything escaped, drawings that a screen reader can read, and places on a plot."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mlgit.render.text import plain

Span = tuple[float, float]


def safe(words: str) -> str:
    """Words as text or as an attribute: no markup, and control characters shown."""
    return html.escape(plain(words), quote=True)


def clipped(words: str, longest: int) -> str:
    """Words of at most so many characters, as they are shown."""
    shown = plain(words)
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"


def element(name: str, attributes: Mapping[str, str | float], words: str | None = None) -> str:
    """One element; lengths with a fraction get one digit, and an attribute of '' is left out."""
    told = "".join(f' {key}="{_attribute(value)}"' for key, value in attributes.items() if value != "")
    return f"<{name}{told}/>" if words is None else f"<{name}{told}>{safe(words)}</{name}>"


def _attribute(value: str | float) -> str:
    return safe(value) if isinstance(value, str) else f"{value}" if isinstance(value, int) else f"{value:.1f}"


def text(words: str, attributes: Mapping[str, str | float], *, anchor: str) -> str:
    """Words that begin, end or have their middle (`start`, `end`, `middle`) where the attributes say."""
    return element("text", {**attributes, "text-anchor": anchor}, words)


def inside_page(body: Iterable[str], *, width: int, height: int, title: str, description: str) -> str:
    """A drawing that stands in an HTML page and takes its colours from there."""
    label = f'role="img" aria-label="{safe(title)}" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    lines = [f"<svg {label}>", element("title", {}, title), element("desc", {}, description), *body, "</svg>"]
    return "\n".join(lines)


def file(body: Iterable[str], *, width: int, height: int, title: str, description: str, style: str) -> str:
    """A drawing that is a file of its own, with its style."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    names = [element("title", {"id": "t"}, title), element("desc", {"id": "d"}, description)]
    lines = [f'{head} role="img" aria-labelledby="t d">', *names, f"<style>{style}</style>", *body, "</svg>"]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class Frame:
    """The rectangle that a plot fills, and the values at its ends: `across` from left to right, `up` from below."""

    left: int
    top: int
    width: int
    height: int
    across: Span
    up: Span

    @property
    def right(self) -> int:
        """Where it ends."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """Where it ends below."""
        return self.top + self.height

    def spot(self, x: float, y: float) -> Span:
        """Where a point stands on the drawing."""
        return self.left + self.width * _share(x, self.across), self.bottom - self.height * _share(y, self.up)

    def path(self, points: Iterable[Span]) -> str:
        """A line through points, as the attribute `d`."""
        return "M" + " L".join("{:.1f} {:.1f}".format(*self.spot(x, y)) for x, y in points)


def _share(value: float, ends: Span) -> float:
    # halves, for the difference of two very large numbers may be beyond all numbers
    return (value / 2 - ends[0] / 2) / (ends[1] / 2 - ends[0] / 2)
