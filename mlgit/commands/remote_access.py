"""How a DVC remote is asked: how long it may be silent, and who is told of the waiting."""

from __future__ import annotations

from mlgit.adapters.system import transfers
from mlgit.commands.notes import Note


def watch_remotes(*, announce: Note, report: Note) -> None:
    """From now on `announce` is told what is waited for, and `report` how far a transfer is ('' at its end)."""
    transfers.announce.set(announce)
    transfers.report.set(report)


def limit_remotes(seconds: float) -> None:
    """From now on a DVC remote may be silent so long."""
    transfers.limit.set(seconds)
