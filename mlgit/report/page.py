"""What a report looks like before it is Markdown or HTML: sections of paragraphs, tables, plots and lines of a log."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from mlgit.report.document import Plot

Kind = Literal["text", "code", "strong", "struck", "link"]
Tone = Literal["", "good", "warn", "bad"]
_ADDRESS = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d+)?(?:/[A-Za-z0-9._~/%?=&+-]*)?")
# In the order in which they are left out where there is no room; the others stay.
DROPPED_FIRST = ("plots", "card", "stages", "slices", "other metrics", "statistics", "parameters", "data", "contracts")


@dataclass(frozen=True, slots=True)
class TextSpan:
    """Some words; `href` is where a link leads, `tone` what colour may tell besides the words."""

    text: str
    kind: Kind = "text"
    href: str = ""
    tone: Tone = ""

    @property
    def leads_somewhere(self) -> bool:
        """Whether this is an address of the web without a character that could end it early or hide another."""
        return _ADDRESS.fullmatch(self.href) is not None


Words = tuple[TextSpan, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A line of words; `is_notice` sets it off."""

    words: Words
    is_notice: bool = False


@dataclass(frozen=True, slots=True)
class PageTable:
    """Rows of cells below a header; `right` are the columns of numbers. `left_out` counts rows that were cut off."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[Words, ...], ...]
    right: frozenset[int] = frozenset()
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Log:
    """Lines as a program wrote them; of a change (`is_diff`), they begin with + or -."""

    lines: tuple[str, ...]
    is_diff: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """A plot."""

    plot: Plot


Block = Paragraph | PageTable | Log | Chart


@dataclass(frozen=True, slots=True)
class PageSection:
    """Blocks under a name; with a `title` they are folded away below it."""

    name: str
    blocks: tuple[Block, ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A whole report: its first sentence, and its sections."""

    headline: Words
    sections: tuple[PageSection, ...]


def text(words: str, *, tone: Tone = "") -> TextSpan:
    """Plain words."""
    return TextSpan(words, tone=tone)


def code(words: str) -> TextSpan:
    """A name or value."""
    return TextSpan(words, "code")


def strong(words: str) -> TextSpan:
    """Words that matter."""
    return TextSpan(words, "strong")


def without(page: Page, names: frozenset[str]) -> Page:
    """The page without some of its sections."""
    return replace(page, sections=tuple(each for each in page.sections if each.name not in names))


def shortened(page: Page, *, rows: int, letters: int) -> Page:
    """The page with at most so many blocks in a section, rows in a table, and letters in a piece of text."""
    sections = tuple(
        replace(
            each, title=_clip(each.title, letters), blocks=tuple(_shorter(block, rows, letters) for block in each.blocks[:rows])
        )
        for each in page.sections
    )
    return Page(clipped(page.headline, letters), sections)


def _shorter(block: Block, rows: int, letters: int) -> Block:
    match block:
        case Paragraph(words):
            return replace(block, words=clipped(words[: 4 * rows], letters))
        case PageTable():
            kept = tuple(tuple(clipped(cell, letters) for cell in row) for row in block.rows[:rows])
            left_out = block.left_out + max(0, len(block.rows) - rows)
            return replace(block, rows=kept, left_out=left_out, caption=_clip(block.caption, letters))
        case Log():
            return replace(block, lines=tuple(_clip(line, letters) for line in block.lines[-rows:]))
        case Chart():
            return block


def clipped(words: Words, letters: int) -> Words:
    """Words of which none is longer than so many letters."""
    return tuple(replace(each, text=_clip(each.text, letters)) for each in words)


def _clip(words: str, letters: int) -> str:
    return words if len(words) <= letters else words[: letters - 1] + "…"
