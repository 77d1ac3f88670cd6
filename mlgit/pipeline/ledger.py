"""Stages against the workspace and the cache: is one stale, can its result be restored, and what is recorded of it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlgit.adapters.dvc import internals
from mlgit.adapters.dvc.dvc_stages import BorrowedStages
from mlgit.adapters.dvc.hashing import Content, Fingerprints
from mlgit.adapters.dvc.objects import Objects
from mlgit.adapters.dvc.store import Cache, DamagedObjectError
from mlgit.adapters.formats import documents
from mlgit.adapters.system import files, locks
from mlgit.errors import MlgitError
from mlgit.executors.protocol import Job, RemoteResult
from mlgit.pipeline import lock, params, record, refusals, stage_options, status
from mlgit.pipeline.model import Digest, Entry, Output, Parameters, Stage
from mlgit.pipeline.scheduler import Beginning, Restored, Start, Unchanged, Verified
from mlgit.pipeline.status import Observed, Reason

_LONGEST_NAME = 200  # bytes; file systems allow 255


class Ledger:
    """The keeper of plain stages; those marked exotic are handed to DVC's own objects.

    `entries` is what the locks record when the command begins.
    """

    def __init__(
        self,
        root: Path,
        *,
        entries: Mapping[str, Entry],
        book: record.Locks,
        ignores: record.Ignores,
        outputs: record.OutputChecks,
        storage: record.OutputStorage,
        fingerprints: Fingerprints,
        cache: Cache,
        borrowed: BorrowedStages,
        busy: locks.BusyPaths,
        logs: Path,
        tracker: record.TrackedData,
    ) -> None:
        self._root = root
        self._top = str(root)
        self._for_commands = os.environ.get("DVC_ROOT") or self._top
        self._folders: dict[str, Path] = {}
        self.entries = dict(entries)
        self._book = book
        self._fingerprints = fingerprints
        self._cache = cache
        self._borrowed = borrowed
        self._busy = busy
        self._logs = logs
        self._documents: dict[str, tuple[tuple[int, ...], Any]] = {}
        self._ignores = ignores
        self._outputs = outputs
        self._storage = storage
        self._started: dict[str, Observed] = {}
        self._unrecorded: list[tuple[Stage, Entry, bool]] = []
        self._tracker = tracker
        self.lost: dict[str, tuple[str, str]] = {}  # by stage, path and md5 of an output that kept it from being restored

    def expect(self, stages: list[Stage], *, force: bool = False) -> None:
        """Prepare for the stages of a plan. Raises MlgitError for an output that none of them may delete or record."""
        doubts = self._outputs.expect(stages)
        for stage in stages:
            if stage.address in doubts and (force or self.reasons(stage)):
                raise doubts[stage.address]
        self._ignores.expect([out.target for stage in stages if not stage.exotic for out in stage.outs if out.cache])

    def check_inputs(self, stages: list[Stage]) -> None:
        """Raise MlgitError for an input that is not there and that no stage makes, before anything is touched."""
        made = {out.target for stage in stages for out in stage.outs}
        above_made = {folder for target in made for folder in _folders_above(target)}
        known: dict[str, bool] = {}
        for stage in stages:
            refusals.refuse_without_command(stage)
            for path, target in () if stage.frozen or stage.exotic else stage.inputs():
                if target not in known:
                    is_made = target in made or target in above_made or not made.isdisjoint(_folders_above(target))
                    known[target] = is_made or os.path.exists(f"{self._top}/{target}")
                if not known[target]:
                    raise MlgitError(
                        f"{stage.file}: stages.{stage.name}: '{path}' does not exist, and no stage makes it",
                        "make the file, fetch it with `dvc pull`, or correct the path",
                    )
            for each in () if stage.frozen or stage.exotic else stage.params:
                if each.target not in made and not made.intersection(_folders_above(each.target)):
                    refusals.refuse_missing_keys(stage, each, self._values(each))

    def reasons(self, stage: Stage) -> tuple[Reason, ...]:
        """Why the stage is stale at this moment; empty when it is not."""
        if stage.exotic:
            for _, target in stage.inputs():
                self._fingerprints.need(target)
            return tuple(Reason(*why) for why in self._borrowed.reasons(stage.address))
        return status.reasons(stage, self.entries.get(stage.address), self.observe(stage))

    def observe(self, stage: Stage, *, look_in_cache: bool = True) -> Observed:
        """The digests and parameter values that the stage sees now."""
        recorded = self.entries.get(stage.address)
        known = {item.path: item.digest.md5 for item in recorded.outs} if recorded else {}
        return Observed(
            deps={dep.path: self._digest(dep.target) for dep in stage.deps},
            params={each.path: self._values(each) for each in stage.params},
            outs={out.path: self._output(out, lenient=look_in_cache) for out in stage.outs},
            uncached=frozenset(
                out.path
                for out in stage.outs
                if look_in_cache and out.cache and out.path in known and not self._cache.has_all(known[out.path])
            ),
        )

    def _output(self, out: Output, *, lenient: bool) -> Digest | None:
        try:
            return self._digest(out.target, into=None if lenient or not out.cache else self._cache.on_the_way)
        except MlgitError:
            if lenient:  # what lies there before the run cannot be the recorded content, and will be replaced
                return Digest("unreadable", 0)
            raise

    def _digest(self, target: str, *, into: Objects | None = None) -> Digest | None:
        content = self._fingerprints.digest(target, into=into)
        return None if content is None else Digest(*content)

    def _values(self, wanted: Parameters) -> dict[str, Any] | None:
        path = self._root / wanted.target
        self._fingerprints.need(wanted.target)
        try:
            found = os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        stamp = (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)
        if wanted.target not in self._documents or self._documents[wanted.target][0] != stamp:
            content = documents.load(path, name=wanted.target)
            params.check(
                content, name=wanted.target, templated=path.name == "params.yaml" and (path.parent / "dvc.yaml").exists()
            )
            self._documents[wanted.target] = (stamp, content)
        document = self._documents[wanted.target][1]
        return params.pick(document, wanted)

    def begin(self, stage: Stage, *, force: bool) -> Beginning:
        """Decide, and do what needs no command: nothing, restore, or record what lies there; else prepare the command.

        Raises MlgitError for a missing dependency or parameter, and for a path that another process uses, before any
        output is touched.
        """
        if stage.exotic or stage.is_source:
            return self._begin_borrowed(stage, force=force)
        recorded = self.entries.get(stage.address)
        seen = self.observe(stage)
        why = status.reasons(stage, recorded, seen)
        if stage.is_idle or (not why and not force):
            return Unchanged()
        if stage.frozen:
            fetched = self._fetch_missing(stage.outs, recorded, seen)
            self._finish(stage)
            return Restored(why) if fetched else Verified(why)
        refusals.refuse_missing(stage, seen)
        self._outputs.refuse(stage)
        self._refuse_busy(stage)
        if not force and self._restore(stage, recorded, seen):
            return Restored(why)
        job = self._job(stage)
        self._storage.refuse_unlinkable(stage, recorded)
        # what stays while the command runs is an input, too: the command goes on from what it left
        self._fetch_missing([out for out in stage.outs if out.persist and out.cache], recorded, seen)
        self._clear_outputs(stage)
        self._started[stage.address] = seen
        return Start(job, why)

    def _refuse_busy(self, stage: Stage) -> None:
        read = [f"{self._top}/{target}" for _, target in stage.inputs()]
        self._busy.refuse(read, [f"{self._top}/{out.target}" for out in stage.outs])

    def _begin_borrowed(self, stage: Stage, *, force: bool) -> Beginning:
        why = self.reasons(stage)
        if not why and (stage.is_source or not force):
            return Unchanged()
        back = not force and self._borrowed.restore(stage.address) if stage.exotic else self._fetch_data(stage)
        if back:
            return Restored(why)
        refusals.refuse_lost_data(stage, why, damaged=self._cache.damaged)
        self._refuse_lost_inputs(stage)
        self._outputs.refuse(stage)
        if self._track(stage):
            return Verified(why)
        if self._borrowed.begin(stage.address, force=force):
            self._keep_borrowed(stage)
            return Verified(why)
        return Start(self._job(stage), why)

    def _refuse_lost_inputs(self, stage: Stage) -> None:
        """Raise MlgitError for a file that is not there; DVC's objects tell it in the words of the system."""
        for dep in () if stage.frozen or stage.is_source else stage.deps:
            if "://" not in dep.path and not os.path.exists(self._root / dep.target):
                raise refusals.missing_file(stage, dep.path)
        for each in () if stage.frozen or stage.is_source else stage.params:
            if not any(set("*?[") & set(key) for key in each.keys):
                refusals.refuse_missing_keys(stage, each, self._values(each))

    def _track(self, stage: Stage) -> bool:
        """Whether changed data could be taken over as `mlgit add` does: DVC's objects look at every file of a folder anew."""
        if not stage.is_source or stage.exotic or stage.frozen:
            return False
        with suppress(MlgitError):  # what `dvc add` refuses may still be what `dvc repro` takes
            self._tracker.add([out.target for out in stage.outs])
            return True
        return False

    def _fetch_missing(self, outs: Iterable[Output], recorded: Entry | None, seen: Observed) -> bool:
        """Whether any of these outputs that are not here was fetched with --pull, as `dvc repro --pull` does if frozen."""
        digests = {item.path: item.digest for item in recorded.outs} if recorded and self._cache.pulls else {}
        lost = [out for out in outs if out.path in digests and seen.outs[out.path] is None]
        there = [out for out in lost if self._cache.has_all(digests[out.path].md5)]
        for out in there:
            self._check_out(out, digests[out.path])
        return bool(there)

    def _fetch_data(self, stage: Stage) -> bool:
        """Whether tracked data that is missing in the workspace could be taken from the cache."""
        recorded = self.entries.get(stage.address)
        digests = {item.path: item.digest for item in recorded.outs} if recorded else {}
        if not digests or any(self._digest(out.target) is not None for out in stage.outs):
            return False
        if not all(self._cache.has_all(digest.md5) for digest in digests.values()):
            return False
        try:
            for out in stage.outs:
                self._check_out(out, digests[out.path])
        except DamagedObjectError:
            return False
        return True

    def _keep_borrowed(self, stage: Stage) -> None:
        document = self._borrowed.document(stage.address)
        if document is not None:
            self._book.put_text(stage, internals.dumps({"stages": {stage.name: document}}).removeprefix("stages:\n"))

    def _job(self, stage: Stage) -> Job:
        wanted = stage_options.of(stage.meta)
        env = {"DVC_ROOT": self._for_commands, **wanted.env, "DVC_STAGE": stage.address, "MLGIT_STAGE": stage.address}
        folder = self._folders.get(stage.wdir)
        if folder is None:
            folder = self._folders[stage.wdir] = self._root / stage.wdir
        if stage.wdir and not folder.is_dir():
            raise MlgitError(f"{stage.file}: stages.{stage.name}.wdir: no folder '{stage.wdir}'", f"`mkdir -p {stage.wdir}`")
        name = stage.address.replace("/", "_").replace(":", "_")
        if len(name.encode()) > _LONGEST_NAME:
            name = f"{name[:40]}-{hashlib.md5(stage.address.encode(), usedforsecurity=False).hexdigest()}"
        return Job(stage.address, stage.commands, folder, env, self._logs / f"{name}.log", wanted.timeout, wanted.resources)

    def _clear_outputs(self, stage: Stage) -> None:
        for out in stage.outs:
            path = f"{self._top}/{out.target}"
            if out.persist:
                if out.cache:
                    self._cache.unprotect(path)
            elif os.path.lexists(path) and not (os.path.islink(path) and os.path.isdir(path)):
                files.remove(Path(path))  # DVC leaves a link to a folder where it is

    def _restore(self, stage: Stage, recorded: Entry | None, seen: Observed) -> bool:
        current = record.inputs_unchanged(stage, recorded, seen)
        if not record.may_restore(stage, seen) and not (self._cache.pulls and current and record.only_lost(recorded, seen)):
            return False
        found = recorded if current else self._from_run_cache(stage, seen)
        if found is None:
            return False
        digests = {item.path: item.digest for item in found.outs}
        # what Git keeps lies in the workspace of a fresh clone, and in no cache
        kept = {out.path for out in stage.outs if not out.cache and seen.outs.get(out.path) == digests.get(out.path)}
        lost = next((path for path, each in digests.items() if path not in kept and not self._cache.has_all(each.md5)), None)
        if lost is not None:
            self.lost[stage.address] = (lost, digests[lost].md5)
            return False
        if not all(out.path in digests for out in stage.outs):
            return False
        try:
            left = {out.path for out in stage.outs if not self._check_out(out, digests[out.path])}
        except DamagedObjectError:
            return False  # it is gone from the cache now: the stage makes it anew
        self._finish(stage, left=left)
        return True

    def run_key(self, stage: Stage) -> str:
        """The key in the run cache for the result of a stage that is about to start; '' where there will be none."""
        seen = self._started.get(stage.address)
        return (
            record.run_key(stage, seen) if seen and record.may_restore(stage, seen) and record.may_save_run(stage, seen) else ""
        )

    def _from_run_cache(self, stage: Stage, seen: Observed) -> Entry | None:
        path = self._cache.newest_run(record.run_key(stage, seen))
        if path is None:
            return None
        try:
            text = files.read_text(path)
            return lock.parse_entry(documents.parse_yaml(text, name="run cache"), name="run cache", stage=stage.name)
        except MlgitError:
            path.unlink(missing_ok=True)  # broken: the stage runs, and its result is filed anew
            return None

    def _check_out(self, out: Output, digest: Digest) -> bool:
        """Take an output from the cache; False where it lay in the workspace as it is to be."""
        now = self._digest(out.target)
        if now is not None and now.md5 == digest.md5:
            return False
        content = Content(digest.md5, digest.size, digest.nfiles, digest.isexec)
        self._cache.checkout(content, str(self._root / out.target), as_copy=not out.cache)
        if not digest.is_folder:
            self._fingerprints.remember(out.target, content)
        return True

    def finish(self, stage: Stage) -> None:
        """Hash and store what the stage's commands left, and record it.

        Raises MlgitError for an output that is not there, and for a dependency that is no longer.
        """
        if stage.exotic:
            self._borrowed.finish(stage.address)
            self._keep_borrowed(stage)
        else:
            self._finish(stage)

    def adopt(self, stage: Stage, made: RemoteResult) -> None:
        """Record what a stage made in another place. Its cached outputs are in the remote, others came along.

        Raises MlgitError for an output that it did not make, and for what went wrong there beside its commands.
        """
        if made.problem is not None:
            raise MlgitError(*made.problem)
        for out in stage.outs:
            content = made.contents.get(out.target)
            if content is not None:
                self._fingerprints.expect(out.target, Content(*content), made.files.get(out.target))
        self._finish(stage, elsewhere=True)

    def _finish(self, stage: Stage, *, elsewhere: bool = False, left: Collection[str] = ()) -> None:
        """Store and record the outputs; `left` are those of a restored stage that lay there as they are to be."""
        self._outputs.refuse_made(stage)
        seen = self.observe(stage, look_in_cache=False)
        for out in stage.outs:
            if seen.outs[out.path] is None:
                raise record.missing(stage, out)
        refusals.refuse_missing(stage, seen)
        before = self._started.pop(stage.address, seen)
        refusals.refuse_moving(stage, before, seen)
        made = record.entry(stage, seen)
        saves_run = record.may_save_run(stage, seen)
        for out in sorted(stage.outs, key=lambda out: out.cache):  # DVC stores with the run what Git keeps, then the others
            if (out.cache and not elsewhere) or (saves_run and not out.cache):
                self._storage.store(out, seen.outs[out.path], restored=out.path in left)
        for out in stage.outs:
            if out.cache:
                self._ignores.add(out.target)
        self.entries[stage.address] = made
        self._unrecorded.append((stage, made, saves_run))

    def record(self) -> None:
        """File in the run cache, and put into the lock, what was finished since."""
        finished, self._unrecorded = self._unrecorded, []
        for stage, made, saves_run in finished:
            text = lock.entry_text(stage.name, made)
            if saves_run:
                self._save_run(made, text)
            if text is None:
                self._book.put(stage, made)
            else:
                self._book.put_text(stage, text)

    def _save_run(self, made: Entry, text: str | None) -> None:
        key, value = lock.run_cache_key(made), lock.run_cache_value(made)
        if not self._cache.has_run(key, value):
            said = lock.run_cache_text(made, beside=text) or internals.dumps(lock.document(made))
            self._cache.add_run(key, value, said)

    def flush(self, *, last: bool = False) -> None:
        """Write the .gitignore lines and the locks of the stages finished so far."""
        self.record()
        self._ignores.flush()
        self._book.flush(last=last)

    def close(self) -> None:
        """Bring in what was made elsewhere, and keep what was learnt about files for the next command."""
        self._fingerprints.bring()
        self._tracker.close()
        self._borrowed.close()


def _folders_above(target: str) -> list[str]:
    return [target[:end] for end, char in enumerate(target) if char == "/"]
