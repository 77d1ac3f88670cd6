"""Text that people wrote, as Markdown that can only be paragraphs, lists, emphasis, code in a line and links to the web."""

from __future__ import annotations

import re

from mlgit.render.markdown import emphasised_text
from mlgit.render.text import plain

_ITEM = re.compile(r"([ \t]*)([-*+]|\d{1,9}[.)])[ \t]+(?=\S)")
# Code in backticks (what is in it means nothing to a reader of Markdown), and links to the web that are no images.
_KEPT = re.compile(r"(?<![\\`])`([^`]*[^`\s][^`]*)`(?!`)|(?<!!)\[([^\[\]\\`<>|]+)\]\((https?://[A-Za-z0-9._~:/?#@%&=+,;$-]+)\)")
# What makes a line a heading, a rule, a table's second row or the underline of a heading.
_LINE = re.compile(r"^(?:#|=+|[-*_][-*_ \t]*$|[-:][-: \t]*$|\+|-)")
_DEEPEST = 3


def prose(text: str) -> str:
    """A person's text as safe Markdown.

    Paragraphs, nested lists, emphasis with `*` and `_`, code in single backticks and `[words](https://...)` keep their
    meaning; HTML, images, other links, headings, rules, tables, blocks of code and quotes appear as their characters.
    """
    blocks: list[list[str]] = [[]]
    depth = -1
    for line in text.splitlines():
        if not line.strip():
            blocks.append([])
            depth = -1
            continue
        item = _ITEM.match(line)
        if item and not _is_rule(line):
            depth = min(len(item[1].expandtabs(4)) // 2, depth + 1, _DEEPEST)
            marker = item[2] if item[2][0].isdigit() else "-"
            blocks[-1].append(f"{'   ' * depth}{marker} {_line(line[item.end() :])}")
        else:
            blocks[-1].append(_line(line))
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _is_rule(line: str) -> bool:
    bare = "".join(line.split())
    return len(bare) > 2 and len(set(bare)) == 1


def _line(line: str) -> str:
    words = plain(line.expandtabs(1)).strip()
    shown, position = "", 0
    for found in _KEPT.finditer(words):
        shown += emphasised_text(words[position : found.start()])
        shown += f"`{found[1]}`" if found[1] else f"[{emphasised_text(found[2])}]({found[3].replace('&', '&amp;')})"
        position = found.end()
    shown += emphasised_text(words[position:])
    # a line that an item or a paragraph begins with must not begin a block of another kind
    shown = _LINE.sub(lambda start: f"\\{start[0]}", shown)
    return re.sub(r"^(\d{1,9})([.)])(?=\s|$)", r"\1\\\2", shown)
