"""Takes what a spool holds into Git: one commit on the ref of the run, upon the commit that it had."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from mlgit.adapters.git.loose_objects import FILE, FOLDER, TreeRows
from mlgit.adapters.git.ref_updates import RefMovedError
from mlgit.errors import MlgitError
from mlgit.experiments import run_codec
from mlgit.experiments.live_runs import LiveRuns
from mlgit.experiments.record_refs import RecordRefs, Repository, retried
from mlgit.experiments.run import ENDED, LoggedRun
from mlgit.experiments.run_artifacts import FileContents
from mlgit.experiments.run_fold import RunFold
from mlgit.experiments.run_spool import RunSpool, SpoolGoneError


class RunSeals:
    """Seals the runs of one repository. `refs` are those of runs, `live` their spools, `contents` the files they keep."""

    def __init__(self, repository: Repository, *, refs: RecordRefs[LoggedRun], live: LiveRuns, contents: FileContents) -> None:
        self._repository, self._refs, self._live, self._contents = repository, refs, live, contents

    def seal(self, spool: RunSpool, *, if_lost: bool = False) -> LoggedRun | None:
        """Write a run into Git and take its spool away; `if_lost`, only where nobody writes to it.

        The run as it stands there; None where another process was faster, or writes to it.
        """
        try:
            with spool.held():
                if if_lost and spool.is_written():
                    return None
                run = self._write(spool)
                spool.remove()
                return run
        except SpoolGoneError:
            return None
        finally:
            self._live.forget(spool.fold.run_id)

    def seal_lost(self) -> tuple[str, ...]:
        """Seal the runs that nobody writes to any more; those that did not end are KILLED.

        One that cannot be sealed now stays as it is, for whoever comes next: nothing else is to fail for it.
        """
        sealed = []
        for spool in filter(None, map(self._live.find, self._live.ids())):
            with suppress(MlgitError):
                if not spool.is_written() and self.seal(spool, if_lost=True) is not None:
                    sealed.append(spool.fold.run_id)
        with suppress(MlgitError):
            self._live.sweep()
        return tuple(sealed)

    def _write(self, spool: RunSpool) -> LoggedRun:
        try:
            return self._write_upon(spool, spool.fold)
        except RefMovedError:
            return retried(lambda: self._write_upon(spool, self._upon_tip(spool)))

    def _upon_tip(self, spool: RunSpool) -> RunFold:
        """The events of a spool upon a run as it is in Git by now.

        It was sealed by a process that was killed before it took the spool away, or it was edited elsewhere, and pulled.
        """
        start = spool.fold.start
        tip = self._refs.find(start.id)
        fold = RunFold(tip or replace(start, commit=""))
        fold.apply(spool.events())
        return fold

    def _write_upon(self, spool: RunSpool, fold: RunFold) -> LoggedRun:
        base = fold.start.commit
        lines = spool.metric_lines()
        run = as_lost(fold.run(), when=spool.written) if not spool.is_written() else fold.run()
        before = self._refs.rows_of(base)
        rows = self._rows(fold, run, base, before, lines)
        content = run_codec.encode_run(run)
        when = run.end_time if not base and run.end_time is not None else spool.written
        parents = () if base else (run.baseline,)
        message = f"{run.name or run.id}: {run.status.lower()}"
        commit = self._refs.write(
            run.id, content=content, upon=base, message=message, when=when, rows=rows, parents=parents, before=before
        )
        return replace(run, commit=commit)

    def _rows(self, fold: RunFold, run: LoggedRun, base: str, before: TreeRows, lines: list[bytes]) -> TreeRows:
        rows = {name: row for name, row in before.items() if name != run_codec.RUN_FILE}
        if run.code:
            rows[run_codec.CODE] = (FOLDER, run.code)
        if fold.file_changes:
            rows |= self._contents.rows(base, fold.file_changes)
        if lines:
            old = (self._refs.file_of(base, run_codec.METRICS_FILE) or b"").splitlines()
            old = old or _first_points(fold.start)
            every = list(dict.fromkeys([*old, *lines])) if old else lines
            if old or len(every) > len(run.metrics):  # else each metric has one point, which the run's file tells
                rows[run_codec.METRICS_FILE] = (FILE, self._repository.objects.blob(b"\n".join(every) + b"\n"))
        return rows


def _first_points(run: LoggedRun) -> list[bytes]:
    """The points of a run that has one for each metric, and so no file of them."""
    return [run_codec.compact(run_codec.point_out(each)).encode() for each in run.metrics.values()]


def as_lost(run: LoggedRun, *, when: int) -> LoggedRun:
    """A run that nobody writes to any more, last written at `when`: KILLED, unless it ended before."""
    return run if run.status in ENDED else replace(run, status="KILLED", end_time=run.end_time or when)
