"""Signatures that were found good, kept between commands: an object never changes, though whom Git trusts may."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from mlgit import project as projects
from mlgit.adapters.git import tags
from mlgit.adapters.system import state_files
from mlgit.errors import MlgitError
from mlgit.registry.event import Event


class GoodSignatures:
    """Good signatures by tag object. Only what was good under the same list of signers is kept."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._good: set[str] = set()
        self._path: Path | None = None
        self._signers = tags.signers_state(root)
        with suppress(MlgitError):
            self._path = projects.find().own_folder / "signatures"
        note = state_files.read(str(self._path)) if self._path else None
        if note:
            signers, *rows = note.decode().split("\n")
            self._good = set(rows) if signers == self._signers else set()
        self._before = len(self._good)

    def trouble(self, event: Event) -> str:
        """Why a signature is not trusted; '' for one that is."""
        if event.oid in self._good:
            return ""
        signature = tags.verify(self._root, event.oid)
        if signature.is_good:
            self._good.add(event.oid)
            return ""
        return signature.detail or "not good"

    def save(self) -> None:
        """Keep what was found good."""
        if self._path and len(self._good) > self._before:
            with suppress(MlgitError):
                state_files.write(str(self._path), "\n".join([self._signers, *sorted(self._good)]).encode())
