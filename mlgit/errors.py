"""The one error a user can cause, what its text may suggest, and the exit codes."""

from __future__ import annotations

from collections.abc import Iterable

EXIT_YES = 0
EXIT_NO = 1
EXIT_CANNOT_ANSWER = 2
EXIT_DEFECT = 3
EXIT_INTERRUPTED = 130


class MlgitError(Exception):
    """Something outside mlgit is wrong, and the user can mend it.

    `message` says what and where (`file: path: key`), `hint` says what to type or change next.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def near_miss(word: str, known: Iterable[str]) -> str:
    """`, did you mean 'x'?` when a known word is close to `word`, else nothing."""
    import difflib

    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f", did you mean '{close[0]}'?" if close else ""
