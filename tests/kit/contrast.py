"""Colours of a style in light and dark, and how well one can be read on another (WCAG 2)."""

from __future__ import annotations

import re
from collections.abc import Iterable

PAPER = ("#ffffff", "#0d1117")  # of a page, light and dark
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_COLOUR = re.compile(r"(?:^|;)\s*(?:fill|stroke|color|background):\s*(#[0-9a-fA-F]{3,6})")


def schemes(text: str) -> tuple[dict[str, str], dict[str, str]]:
    """The colour of each selector of the style in an SVG file (the fill before the stroke), in light and in dark."""
    style = text.partition("<style>")[2].partition("</style>")[0]
    light, _, dark = style.partition("@media(prefers-color-scheme:dark){")
    first = {"paper": PAPER[0]} | _colours(light)
    return first, first | {"paper": PAPER[1]} | _colours(dark)


def _colours(style: str) -> dict[str, str]:
    found = ((selector.strip(), _COLOUR.findall(rules)) for selector, rules in _RULE.findall(style))
    return {selector: colours[0] for selector, colours in found if colours}


def variables(style: str) -> tuple[dict[str, str], dict[str, str]]:
    """The custom properties of a page that are colours, in light and in dark."""
    light, _, dark = style.partition("prefers-color-scheme: dark")
    found = [dict(re.findall(r"--([a-z-]+): (#[0-9a-fA-F]{3,6})", part)) for part in (light, dark)]
    return found[0], found[0] | found[1]


def blended(colour: str, paper: str, share: float) -> str:
    """A colour that lets a part of the paper through."""
    both = ([int(each[at : at + 2], 16) for at in (1, 3, 5)] for each in (colour, paper))
    return "#" + "".join(f"{round(share * over + (1 - share) * under):02x}" for over, under in zip(*both, strict=True))


def ratio(one: str, other: str) -> float:
    """The contrast of two colours: 1 for none, 21 for black on white."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def worst(pairs: Iterable[tuple[str, str]]) -> float:
    """The least contrast of some pairs."""
    return min(ratio(one, other) for one, other in pairs)


def _luminance(colour: str) -> float:
    bare = colour.lstrip("#")
    bare = "".join(2 * each for each in bare) if len(bare) == 3 else bare
    parts = [int(bare[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
