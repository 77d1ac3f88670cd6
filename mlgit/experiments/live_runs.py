"""The runs of a clone that are being written to: their spools, opened once, and who finds one."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress

from mlgit.adapters.system import locks, presence, state_files
from mlgit.experiments import run_spool
from mlgit.experiments.record_refs import Repository
from mlgit.experiments.run import LoggedRun, is_run_id
from mlgit.experiments.run_spool import RunSpool, SpoolGoneError

_MOST_OPEN = 100
_PATIENCE = 30.0


class LiveRuns:
    """The spools of one clone."""

    def __init__(self, repository: Repository) -> None:
        self._folder = str(repository.own / "live")
        self._writers = f"{self._folder}/writers"
        self._locked = repository.own / "live" / "lock"
        self._known: OrderedDict[str, RunSpool] = OrderedDict()
        self._is_made = False

    def find(self, run_id: str) -> RunSpool | None:
        """The spool of a run, read to its end; None for a run that has none."""
        spool = self._known.get(run_id)
        try:
            if spool:
                spool.catch_up()
                return spool
            return self._opened(run_id) if is_run_id(run_id) else None
        except SpoolGoneError:
            self.forget(run_id)
            return None

    def writing(self, run_id: str) -> RunSpool | None:
        """The spool of a run to append to, which reads it by itself where it has to."""
        return self._known.get(run_id) or self.find(run_id)

    def _opened(self, run_id: str, *, laid: tuple[LoggedRun, int] | None = None) -> RunSpool:
        spool = RunSpool(self._path(run_id), writers=self._writers, laid=laid)
        self._known[run_id] = spool
        if len(self._known) > _MOST_OPEN:
            with suppress(KeyError):
                self._known.popitem(last=False)[1].close()
        return spool

    def _path(self, run_id: str) -> str:
        return f"{self._folder}/{run_id}{run_spool.SUFFIX}"

    def forget(self, run_id: str) -> None:
        """Let go of a spool that is gone."""
        spool = self._known.pop(run_id, None)
        if spool:
            spool.close()

    def begin(self, run: LoggedRun) -> RunSpool:
        """The spool of a new run."""
        if not self._is_made:
            state_files.make_folder(self._folder)
            self._is_made = True
        return self._laid(run)

    def reopen(self, run_id: str, read: Callable[[str], LoggedRun]) -> RunSpool:
        """The spool of a run that stands in Git, where `read` finds it. What that raises for none is raised here."""
        read(run_id)
        with locks.held(self._locked, timeout=_PATIENCE, busy="another process begins to write to runs"):
            there = self.find(run_id)
            if there:
                return there
            # Only who holds this lock lays one, and it is taken away after the run was written: this is the newest
            return self._laid(read(run_id))

    def _laid(self, run: LoggedRun) -> RunSpool:
        size = run_spool.create(self._path(run.id), run, writers=self._writers)
        return self._opened(run.id, laid=(run, size))

    def sweep(self) -> None:
        """Take away what processes left that are gone."""
        presence.sweep(self._writers)

    def ids(self) -> list[str]:
        """The runs that have a spool."""
        try:
            names = os.listdir(self._folder)
        except FileNotFoundError:
            return []
        found = [each.removesuffix(run_spool.SUFFIX) for each in names if each.endswith(run_spool.SUFFIX)]
        return [each for each in found if is_run_id(each)]
