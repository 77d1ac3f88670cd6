"""What is found on the way through a pickle, and the bytes that it is read from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import BinaryIO

MOST_FINDINGS = 20
LONGEST_LINE = 1 << 24


class StoppedError(Exception):
    """The loader itself certainly ends here with an error, so nothing behind it is run."""


@dataclass(slots=True)
class Scan:
    """What was found: the names looked up, and why loading may run code (empty: it cannot).

    `is_whole`: the end was reached. `has_arrays`: there are arrays whose bytes only joblib passes over. `is_foreign`: the
    bytes are those of another format. `calls`: what is not on the list is not only looked up, but called.
    """

    names: set[tuple[str, str]] = field(default_factory=set)
    findings: dict[str, None] = field(default_factory=dict)
    is_whole: bool = False
    has_arrays: bool = False
    is_foreign: bool = False
    calls: bool = False

    def note(self, finding: str) -> None:
        """Keep a finding; of very many only the first."""
        if len(self.findings) < MOST_FINDINGS:
            self.findings[finding] = None


class Bounded:
    """A stream of `size` bytes from where it stands: what a file claims to hold more than it has is never allocated."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self.left = size

    def read(self, count: int = -1) -> bytes:
        """At most `count` bytes."""
        content = self._stream.read(self.left if count < 0 else min(count, self.left))
        self.left -= len(content)
        return content

    def readline(self) -> bytes:
        """A line; a very long one is cut off, for no name or number is so long."""
        content = self._stream.readline(min(self.left, LONGEST_LINE))
        self.left -= len(content)
        return content

    def skip(self, count: int) -> None:
        """Pass over bytes. Raises EOFError where there are not as many."""
        while count:
            passed = len(self.read(min(count, 1 << 20)))
            if not passed:
                raise EOFError("the file is cut off in an array")
            count -= passed


def brief(error: BaseException) -> str:
    """The first words of an error."""
    return (str(error).splitlines() or [type(error).__name__])[0][:120]
