"""What every command may be told of its output: colours, quiet, verbose. Without click, for starting fast."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import pairwise

AUTO, ALWAYS, NEVER = COLORS = ("auto", "always", "never")


class Preferences:
    """The preferences of one command line; `is_data`: what is printed is a document for programs.

    No dataclass, whose module alone takes as long to import as `mlgit model list` needs.
    """

    def __init__(self, color: str = AUTO, *, is_data: bool = False) -> None:
        self.color = color
        self.quiet = False
        self.verbose = False
        self.is_data = is_data

    def be_quiet(self) -> None:
        """Print errors only, and a document that was asked for."""
        self.quiet = True
        if not self.is_data:
            sys.stdout.flush()
            sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - as long as the command


_current: ContextVar[Preferences | None] = ContextVar("preferences", default=None)


def current() -> Preferences:
    """Those of the command line that is at work."""
    return _current.get() or Preferences()


@contextmanager
def of(argv: Sequence[str], *, is_data: bool) -> Iterator[Preferences]:
    """For as long as the block lasts, the preferences of a command line; colours are known before it is parsed."""
    words = argv[: argv.index("--")] if "--" in argv else argv
    color = next((after for word, after in pairwise(words) if word == "--color"), "")
    color = next((word[8:] for word in words if word.startswith("--color=")), color)
    found = Preferences(color if color in COLORS else AUTO, is_data=is_data)
    token, stream = _current.set(found), sys.stdout
    try:
        yield found
    finally:
        _current.reset(token)
        if sys.stdout is not stream and found.quiet:
            sys.stdout.close()
            sys.stdout = stream


def use_color(stream: object) -> bool:
    """Whether to colour what goes to `stream`.

    The first that says something decides: --color, NO_COLOR, FORCE_COLOR, CLICOLOR_FORCE, CLICOLOR, TERM=dumb; then whether it
    is a terminal.
    """
    choice, said = current().color, os.environ.get
    forced = said("FORCE_COLOR", "")
    if choice != AUTO:
        return choice == ALWAYS
    if said("NO_COLOR"):
        return False
    if forced:
        return forced.lower() not in ("0", "false")
    if said("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    is_plain = said("CLICOLOR") == "0" or said("TERM") == "dumb"
    return not is_plain and bool(getattr(stream, "isatty", lambda: False)())
