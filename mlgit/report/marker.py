"""The first line of a comment that mlgit keeps up to date: whose it is, and which run wrote it."""

from __future__ import annotations

import re
from typing import NamedTuple

from mlgit.errors import MlgitError

_FORM = re.compile(
    r"<!-- mlgit:report v1 key=(?P<key>\S+) head=(?P<head>\S*) run=(?P<number>\d{1,18})\.(?P<attempt>\d{1,9}) -->"
)
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]{0,63}")


class Marker(NamedTuple):
    """`key` tells the comments of one pull request apart; runs are in the order of (number, attempt)."""

    key: str
    head: str
    number: int = 0
    attempt: int = 1

    def __str__(self) -> str:
        return f"<!-- mlgit:report v1 key={self.key} head={self.head} run={self.number}.{self.attempt} -->"

    @property
    def run(self) -> tuple[int, int]:
        """What orders runs."""
        return self.number, self.attempt


def make(*, key: str, head: str, number: int, attempt: int) -> Marker:
    """A marker; what cannot stand in one is left out, so that it can never end early or look like another's."""
    safe = key if is_key(key) else "default"
    return Marker(safe, head if re.fullmatch(r"[0-9a-f]{0,64}", head) else "", max(0, number), max(1, attempt))


def is_key(word: str) -> bool:
    """Whether a marker may have this key."""
    return _KEY.fullmatch(word) is not None and "--" not in word


def check_key(word: str) -> None:
    """Raises MlgitError for what a marker may not have as its key."""
    if not is_key(word):
        raise MlgitError(f"--key {word}: not a key", "write letters, digits and `_./-`, at most 64, without `--`")


def parse(body: str) -> Marker | None:
    """The marker of a comment; None for a comment that begins otherwise."""
    found = _FORM.fullmatch(body.split("\n", 1)[0].rstrip("\r"))
    return Marker(found["key"], found["head"], int(found["number"]), int(found["attempt"])) if found else None
