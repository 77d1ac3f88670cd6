"""A diff for a terminal."""

from __future__ import annotations

from mlgit.diff import wording
from mlgit.diff.diff import Diff
from mlgit.diff.wording import DiffSection
from mlgit.render.terminal import paint, table
from mlgit.render.text import plain

_COLORS = {"better": "green", "worse": "red"}


def render(diff: Diff, *, everything: bool = False, color: bool = False) -> str:
    """The whole diff as text; `everything` shows what is the same too."""
    blocks = [paint(plain(wording.heading(diff)), "bold", color=color)]
    blocks += [_section(section, color=color) for section in wording.sections(diff, everything=everything)]
    last = [wording.summary(diff, everything=everything), *_remarks(diff, color=color)]
    blocks += ["\n".join(filter(None, last))]
    return "\n\n".join(filter(None, blocks))


def _section(section: DiffSection, *, color: bool) -> str:
    head, *rows = table(section.header, section.rows, right=section.right).split("\n")
    lines = [paint(f"  {head}", "dim", color=color), *(f"  {row}" for row in rows)]
    if section.title == "Metrics":
        lines[1:] = [_painted(line, row[-1], color=color) for line, row in zip(lines[1:], section.rows, strict=True)]
    return "\n".join([paint(section.title, "bold", color=color), *lines])


def _painted(line: str, verdict: str, *, color: bool) -> str:
    style = _COLORS.get(verdict)
    return line.removesuffix(verdict) + paint(verdict, style, color=color) if style else line


def _remarks(diff: Diff, *, color: bool) -> list[str]:
    lines = []
    for sentence, hint in wording.remarks(diff):
        lines.append(f"{paint('note:', 'yellow', color=color)} {plain(sentence)}")
        if hint:
            lines.append(f"{paint('hint:', 'cyan', color=color)} {plain(hint)}")
    return lines
