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


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that is `word` but for the case of letters and `-` for `_`, else the closest one; '' for none."""
    import difflib

    folded: dict[str, str] = {}
    for each in known:
        folded.setdefault(_folded(each), each)
    wanted = _folded(word)
    close = [wanted] if wanted in folded else difflib.get_close_matches(wanted, list(folded), n=1, cutoff=0.6)
    return folded[close[0]] if close else ""


def _folded(word: str) -> str:
    return word.casefold().replace("-", "_")


def near_miss(word: str, known: Iterable[str]) -> str:
    """`, did you mean 'x'?` when a known word is close to `word`, else nothing."""
    close = nearest(word, known)
    return f", did you mean '{close}'?" if close else ""
