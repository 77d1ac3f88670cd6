"""Text from a repository as Markdown, in which it means nothing to a renderer or a forge: one escape for each use."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Sequence

from mlgit.render.text import plain

_MARKUP = re.compile(r"[&<>\\`*_{}\[\]()#+!|~$:@]")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;", ":": "&#58;", "@": "&#64;", "|": "&#124;"}
# In what people write, emphasis with * and _ means something, and so do brackets and colons in the middle of a line.
_MARKUP_BESIDE_EMPHASIS = re.compile(r"[&<>\\`\[\]!|~$@]")

_SCHEMES = (
    r"mailto|xmpp|tel|sms|mid|cid|magnet|bitcoin|file|data|news|nntp|geo|sips?|skype|callto|facetime|im|pres|urn|javascript"
    r"|vbscript|irc[s6]?|ssh|git|svn|matrix|iteration|vulnerability|feature\\?_flag|wiki\\?_page|contact|work\\?_item"
)
_NAME_OF_EMOJI = r"(?:[0-9-]|\\?[_+])*[a-z](?:[a-z0-9-]|\\?[_+])*|100|1234|\\?\+1|-1"
_PARTED = (
    # an address, whatever its scheme, and schemes that do without //
    r"[A-Za-z0-9+.-](?=(?:&\#58;|:)//)|/(?=/)",
    rf"(?<![A-Za-z0-9])(?:{_SCHEMES})(?=(?:&\#58;|:)\S)",
    r"(?<![A-Za-z0-9])www(?=&\#46;)",
    # mail, mentions, commits of others; but tumor@v1.2.0, a tag of this repository, is to be copied, and leads nowhere
    r"(?<=[A-Za-z0-9])(?:&\#64;|@)(?!\s|$|v\d+\.\d+\.\d+(?![A-Za-z0-9.-]))",
    r"(?<![A-Za-z0-9])(?:&\#64;|@)(?!\s|$)",
    # issues; GitLab's merge requests, epics, snippets, milestones and labels; links as in Gitea's wiki
    r"(?<!&)\\?\#(?=\d)|(?<![A-Za-z0-9])GH-(?=\d)",
    r"\\?!(?=\d)|&amp;(?=\d)|&\#36;(?=\d)|(?<![A-Za-z0-9])%(?=[A-Za-z0-9\"])|(?:\\~|&\#126;)(?=[A-Za-z0-9\"])",
    r"\\\[(?=\\\[)",
    # the first colon of :smile:, not that of 12:30:45
    rf"(?:&\#58;|:)(?=(?:{_NAME_OF_EMOJI})(?:&\#58;|:))",
)


@functools.cache
def _found_when_finished() -> re.Pattern[str]:
    return re.compile("|".join(_PARTED), re.IGNORECASE)


_WWW = re.compile(r"(?<![A-Za-z0-9])(www)\.", re.IGNORECASE)


def inert(escaped: str) -> str:
    """Text in which Markdown is escaped, so that no forge makes links, mentions, references or pictures of it either.

    GitHub, GitLab and Gitea look for them in the finished text, where no escape helps: a space without width (&#8203;) parts
    what they look for.
    """
    return _found_when_finished().sub(lambda found: f"{found[0]}&#8203;", _WWW.sub(r"\1&#46;", escaped))


# Further markup, at the start of a line, in text that is escaped so far.
@functools.cache
def _further() -> tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...]:
    return (
        # GitLab and many bots take a line that begins with a slash for a command, and they look at the source
        (re.compile(r"^[ \t/]"), lambda found: f"&#{ord(found[0])};"),
        (re.compile(r"^[-=]"), lambda found: f"\\{found[0]}"),
        (re.compile(r"^(\d{1,9})\.(?!\S)"), lambda found: f"{found[1]}&#46;"),
    )


def markdown_text(text: str) -> str:
    """Text from a repository as plain words in Markdown: no markup, mention, reference, link or line break survives."""
    safe = _MARKUP.sub(_escape, plain(text))
    for pattern, replacement in _further():
        safe = pattern.sub(replacement, safe)
    return inert(safe)


def _escape(found: re.Match[str]) -> str:
    return _ENTITIES.get(found[0]) or f"\\{found[0]}"


_AT = re.compile(r"&#64;(?!&#8203;|\s|$)")


def comment_text(text: str) -> str:
    """`markdown_text` for a comment, in which no link may be but ours: every @ is parted from what follows it.

    GitHub makes links of addresses of mail in the finished text.
    """
    return _AT.sub("&#64;&#8203;", markdown_text(text))


def emphasised_text(text: str) -> str:
    """Words in the middle of a line that a person wrote: emphasis with `*` and `_` is kept, and no other markup."""
    return inert(_MARKUP_BESIDE_EMPHASIS.sub(lambda found: "&#126;" if found[0] == "~" else _escape(found), text))


def link_target(path: str) -> str:
    """A path as what stands between `(<` and `>)` of a link."""
    return re.sub(r"[<>\\]", lambda found: f"\\{found[0]}", path)


# What can stand between backticks in every renderer, also in a table, and that nobody who reads the source takes for a command:
# an @ only within a word, as in `ndcg@10`, or in an address.
_IN_BACKTICKS = re.compile(
    r"(?:[A-Za-z0-9_.,:/=+#\[\]()'*%-]|(?<=[A-Za-z0-9_])@(?=[A-Za-z0-9])|<[A-Za-z0-9.+_-]+@[A-Za-z0-9.-]+>|(?<! ) (?! ))*"
)


def code_span(text: str) -> str:
    """Text from a repository as code in Markdown: to be read and copied as it is, and no markup survives.

    No character is put in that would be copied too: forges look for no mention and no number of an issue within code.
    """
    shown = plain(text)
    if shown and shown.strip(" ") == shown and _IN_BACKTICKS.fullmatch(shown):
        return f"`{shown}`"
    safe = "".join(each if each.isalnum() or each == " " else f"&#{ord(each)};" for each in shown)
    # GitHub makes links of addresses of mail in HTML's code too, unless they are in two pieces
    return f"<code>{safe.replace('&#64;', '&#64;<!-- -->')}</code>"


# What GitLab and bots take for a command at the start of a line, some within a fence too; a path goes on with a slash.
_COMMAND = re.compile(r"^(\s*)(?=/[A-Za-z_-]+(?:\s|$))")


def fenced(lines: Iterable[str], language: str) -> str:
    """Lines as a block of code that none of them can end."""
    shown = [_COMMAND.sub("\\1\u200b", line.replace("\r", " ").replace("\n", " ")) for line in lines]
    longest = max((len(run) for line in shown for run in re.findall(r"`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join((f"{fence}{language}", *shown, fence))


_ADDRESS = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d+)?(?:/[A-Za-z0-9._~/%?=&+#-]*)?")


def web_link(text: str) -> str:
    """An address of the web as a link; whatever else it is, as words."""
    return f"[{markdown_text(text)}](<{text}>)" if _ADDRESS.fullmatch(text) else markdown_text(text)


# Names, digests, times and numbers: as code, no escape is in the way of reading and copying them.
_SIMPLE = re.compile(r"(?:[A-Za-z0-9@#/:.=+_, \[\]()'-]|<[A-Za-z0-9.+_-]+@[A-Za-z0-9.-]+>)*")


def readable(text: str) -> str:
    """Text from a repository as words, or as code where escapes would be in the way of reading a name; no markup survives."""
    safe = markdown_text(text)
    return safe if safe == text or not _SIMPLE.fullmatch(text) else code_span(text)


def markdown_table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: Iterable[int] = (),
    escape: Callable[[str], str] = markdown_text,
) -> str:
    """Rows as a GitHub Markdown table, every cell escaped; the columns numbered in `right` are aligned to the right."""
    to_right = set(right)
    rule = ["---:" if index in to_right else "---" for index in range(len(header))]
    lines = [[markdown_text(cell) for cell in header], rule, *([escape(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
