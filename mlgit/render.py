"""Text that people read: tables, sizes, durations, colours. Pure: strings in, strings out."""

from __future__ import annotations

import functools
import math
import re
import time
import unicodedata
from collections.abc import Callable, Iterable, Sequence

_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


def paint(text: str, style: str, *, color: bool) -> str:
    """`text` in one of the styles bold, dim, red, green, yellow, cyan; as it is when `color` is False."""
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if color and text else text


def plain(text: str) -> str:
    """Text from a repository made safe for a terminal: one line, with control characters shown and not obeyed."""
    if text.isprintable():
        return text
    return "".join(_shown(char) if char != "\t" and _is_control(char) else char for char in text)


def _is_control(char: str) -> bool:
    category = unicodedata.category(char)
    return category[0] == "C" or category in ("Zl", "Zp")


def _shown(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


def width(text: str) -> int:
    """How many terminal columns `text` takes (wide East Asian characters take two)."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, right: Iterable[int] = ()) -> str:
    """Rows as aligned columns, two spaces apart; the columns numbered in `right` are aligned to the right."""
    lines = [[plain(cell).replace("\t", " ") for cell in row] for row in (header, *rows)]
    to_right = set(right)
    widths = [max(map(width, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            _pad(cell, size, index in to_right) for index, (cell, size) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _pad(cell: str, size: int, right: bool) -> str:
    space = " " * (size - width(cell))
    return space + cell if right else cell + space


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]], *, right: Iterable[int] = ()) -> str:
    """Rows as a GitHub Markdown table, every cell escaped."""
    to_right = set(right)
    rule = ["---:" if index in to_right else "---" for index in range(len(header))]
    body = [[markdown_text(cell) for cell in row] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in ([markdown_text(cell) for cell in header], rule, *body))


_MARKUP = re.compile(r"[&<>\\`*_{}\[\]()#+!|~$:@]")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;", ":": "&#58;", "@": "&#64;", "|": "&#124;"}

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
    safe = _MARKUP.sub(lambda found: _ENTITIES.get(found[0]) or f"\\{found[0]}", plain(text))
    for pattern, replacement in _further():
        safe = pattern.sub(replacement, safe)
    return inert(safe)


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


def number(value: float) -> str:
    """A number with at most six significant digits, without losing that it is a whole one."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, int) or not math.isfinite(value):
        return str(value)
    return f"{value:.6g}"


def signed(value: float) -> str:
    """A difference with its sign; no difference is 0."""
    return "0" if value == 0 else ("+" if value > 0 else "") + number(value)


def size(n_bytes: int) -> str:
    """Bytes in powers of 1024, three significant digits."""
    value, unit = float(n_bytes), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if value < 999.5 or unit == "TiB":
            break
        value /= 1024
    digits = f"{value:.3g}" if value < 999.5 else f"{value:.0f}"
    return f"{n_bytes} B" if unit == "B" else f"{digits} {unit}"


def seconds(duration: float) -> str:
    """A duration as people say it: 0.42 s, 12.3 s, 3 min 05 s, 2 h 04 min."""
    if duration < 59.95:
        return f"{duration:.2f} s" if duration < 9.995 else f"{duration:.1f} s"
    minutes, rest = divmod(round(duration), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def moment(when: int) -> str:
    """Seconds since 1970 as ISO 8601 in UTC; what no calendar has, as Git writes it."""
    try:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(when))
    except (OverflowError, ValueError, OSError):
        return f"@{when}"


def count(number_of: int, noun: str) -> str:
    """`1 stage`, `2 stages`."""
    return f"{number_of} {noun}" if number_of == 1 else f"{number_of} {noun}s"


MOST_NAMES = 6


def few(names: Sequence[str]) -> str:
    """Names in a row, cut where there are many."""
    shown = ", ".join(names[:MOST_NAMES])
    return shown if len(names) <= MOST_NAMES else f"{shown} and {len(names) - MOST_NAMES} more"
