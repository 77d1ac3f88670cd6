"""A diff as GitHub Markdown, for comments and step summaries; every text of the repository is escaped."""

from __future__ import annotations

from mlgit.diff import wording
from mlgit.diff.diff import Diff
from mlgit.render.markdown import markdown_table, markdown_text


def render(diff: Diff, *, everything: bool = False) -> str:
    """The whole diff as Markdown; `everything` shows what is the same too."""
    blocks = [f"### {markdown_text(wording.heading(diff))}"]
    for section in wording.sections(diff, everything=everything):
        blocks += [f"**{section.title}**", markdown_table(section.header, section.rows, right=section.right)]
    blocks.append(markdown_text(wording.summary(diff, everything=everything)))
    told = [f"{sentence}; {hint}" if hint else sentence for sentence, hint in wording.remarks(diff)]
    blocks.append("\n".join(f"- {markdown_text(sentence)}" for sentence in told))
    return "\n\n".join(filter(None, blocks))
