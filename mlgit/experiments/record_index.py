"""What the newest commits of records hold, in one file of the clone: to open an object for each of ten thousand takes seconds.

A line is the id of a commit and its record. The file is written to while records are, and only ever saves time: a line that
was cut short, or is of a commit that no ref points to, is passed over, and what is lacking is read from Git.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from contextlib import suppress

from mlgit.adapters.system import state_files
from mlgit.errors import MlgitError

_LARGEST = 256 << 10  # bytes of a record
_SPARE = 1000  # lines of old commits that are no reason to write the file anew
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class RecordIndex:
    """The index of the records of one kind."""

    def __init__(self, folder: str, kind: str) -> None:
        self._folder = folder
        self._path = f"{folder}/{kind}-1"

    def add(self, records: Iterable[tuple[str, bytes]]) -> None:
        """Note what commits hold, where that can be written."""
        lines = [
            b"%s %s\n" % (oid.encode(), content.replace(b"\n", b" ")) for oid, content in records if len(content) < _LARGEST
        ]
        if not lines:
            return
        try:
            descriptor = os.open(self._path, _FLAGS, 0o666)
        except FileNotFoundError:
            with suppress(MlgitError, OSError):
                state_files.make_folder(self._folder)
                os.close(os.open(self._path, _FLAGS, 0o666))
                self.add(records)
            return
        except OSError:
            return
        with suppress(OSError), open(descriptor, "ab", buffering=0) as stream:
            stream.write(b"".join(lines))

    def find(self, commits: Collection[str]) -> dict[str, bytes]:
        """What these commits hold, as far as it was noted."""
        wanted = {each.encode() for each in commits}
        found: dict[str, bytes] = {}
        count = 0
        try:
            with open(os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
                for line in stream:
                    count += 1
                    oid, _, content = line.partition(b" ")
                    if oid in wanted and line.endswith(b"\n"):
                        found[oid.decode()] = content
        except OSError:
            return {}
        if count > 2 * len(wanted) + _SPARE:
            kept = b"".join(b"%s %s" % (oid.encode(), content) for oid, content in found.items())
            with suppress(MlgitError):
                state_files.replace(self._path, kept, mode=0o666)
        return found
