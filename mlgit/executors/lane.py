"""The process on a worker that runs stages, one after the other, in a working tree of its own.

It has one thread of its own to run commands as `mlgit run` does on one machine, and it ends what it started when the
worker goes away. It is told tasks and answers over its standard input and output.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from mlgit.adapters import disks, dvc, files, remote, settings, transfers
from mlgit.adapters.hashing import Content, Fingerprints
from mlgit.adapters.remote import DamagedRemoteError, RemoteUnreachableError
from mlgit.adapters.settings import Settings
from mlgit.adapters.store import Cache
from mlgit.adapters.transport import Clone
from mlgit.adapters.tree import Tree
from mlgit.errors import MlgitError
from mlgit.executors import table
from mlgit.executors.parcel import Answer, Files, Site, Target, Task
from mlgit.executors.protocol import Executor, Job, Outcome

LARGEST_LOG = 4 << 20
LARGEST_FILES = 64 << 20


class EndedError(Exception):
    """The worker wants this process to end."""


class Bench:
    """A working tree set up for one site: its cache, its remote, and what is known of its files."""

    def __init__(self, folder: Path, site: Site) -> None:
        self.site = site
        self.tree = Tree(folder / "tree", Clone(folder.parent / "clone.git"), site.commit)
        self.root = folder / "tree" / site.prefix
        dvc_folder = self.root / ".dvc"
        cache_folder = folder.parent / "cache"
        name, url = site.remote
        local = f"[core]\n    remote = {name}\n['remote \"{name}\"']\n    url = {url}\n[cache]\n    dir = {cache_folder}\n"
        dvc_folder.mkdir(exist_ok=True)
        files.write_atomic(dvc_folder / "config.local", local)
        self.tree.keep(f"{site.prefix}.dvc/config.local", f"{site.prefix}.dvc/tmp")
        configured = settings.load(dvc_folder)
        self.cache = Cache(Settings(cache_folder, configured.link_types))
        self.remote = remote.connect(dvc_folder, remote.Address(name, url), self.cache)
        transfers.limit.set(site.patience)
        self.remote.probe()  # before a stage runs for hours and cannot hand in what it made
        ignored = dvc.ignore_filter(self.root) if site.filtered else None
        self.fingerprints = Fingerprints(self.root, folder / "known", ignored=ignored)

    def prepare(self, task: Task) -> tuple[str, ...]:
        """Put what the task reads in place and take away what it will write; the inputs that cannot be had."""
        prefix = self.site.prefix
        self.tree.tidy(keep=[f"{prefix}{path}" for path, _ in task.reads])
        for md5, sent in task.objects.items():
            remote.put(self.cache, md5, sent)
        reads = [(path, Content(*content)) for path, content in task.reads]
        wrong = [(path, content) for path, content in reads if not self._lies(path, content)]
        missing = remote.bring(self.remote, self.cache, [content for _, content in wrong])
        if missing:
            return tuple(path for path, content in wrong if content in missing)
        for path, content in wrong:
            self.cache.checkout(content, str(self.root / path))
            self.tree.keep(f"{prefix}{path}")
        for target in task.writes:
            self._clear(target)
        (self.root / task.wdir).mkdir(parents=True, exist_ok=True)
        return ()

    def _lies(self, path: str, content: Content) -> bool:
        found = self.fingerprints.digest(path)
        return found is not None and (found.md5, found.isexec) == (content.md5, content.isexec)

    def _clear(self, target: Target) -> None:
        path = self.root / target.path
        if target.persist:
            self.cache.unprotect(str(path))
        else:
            files.remove(path)
        path.parent.mkdir(parents=True, exist_ok=True)

    def take_in(self, task: Task) -> tuple[dict[str, Content | None], dict[str, Files]]:
        """Hash what the task read and wrote, and send its outputs to the remote.

        Raises MlgitError for uncached outputs that are too large to travel with the answer.
        """
        contents = {path: self.fingerprints.digest(path) for path, _ in task.reads}
        uncached: dict[str, Files] = {}
        made = []
        for target in task.writes:
            content = self.fingerprints.digest(target.path, into=self.cache.objects if target.cache else None)
            contents[target.path] = content
            if content is None:
                continue
            if target.cache:
                self._store(target.path, content)
                self.tree.keep(f"{self.site.prefix}{target.path}")  # the next task may read it
                made.append(content.md5)
            else:
                uncached[target.path] = self._read(target.path, content)
        self.remote.push(made)
        return contents, uncached

    def _store(self, path: str, content: Content) -> None:
        full = str(self.root / path)
        if content.nfiles is None:
            self.cache.add_file(full, content.md5)
        else:
            self.cache.add_folder(full, self.fingerprints.members(path), content)

    def _read(self, path: str, content: Content) -> Files:
        if content.size > LARGEST_FILES:
            raise MlgitError(
                f"output '{path}' is not cached and has {content.size >> 20} MiB: too large to travel back",
                "let DVC cache it: take `cache: false` out, so that it goes through the remote",
            )
        names = [""] if content.nfiles is None else [member.path for member in self.fingerprints.members(path)]
        found = {}
        for name in names:
            full = self.root / path / name if name else self.root / path
            found[name] = (files.read_bytes(full), os.access(full, os.X_OK))
        return found


def perform(bench: Bench, local: Executor, task: Task, log: Path) -> Answer:
    """Run one task to its end, whatever that is."""
    lacks = bench.prepare(task)
    if lacks:
        return Answer(task.name, lacks=lacks)
    env = {**task.env, "DVC_ROOT": str(bench.root)}
    local.submit(Job(task.name, task.commands, bench.root / task.wdir, env, log, task.timeout))
    ended: list[Outcome] = []
    while not ended:
        ended = local.wait(60)
    outcome = ended[0]
    common = (task.name, outcome.code, outcome.seconds, outcome.command, outcome.timed_out, _last_part(log))
    if outcome.code != 0:
        full = disks.fault(log.parent)
        return Answer(*common, trouble=("worker", *full) if full else None)
    contents, uncached = bench.take_in(task)
    return Answer(*common, contents=contents, files=uncached)


def _explained(task: Task, error: Exception, folder: Path) -> Answer:
    """What an error on the way means for the task: it is the disk's, the remote's, the task's own, or a defect."""
    if isinstance(error, RemoteUnreachableError) and not isinstance(error, DamagedRemoteError):
        return Answer(task.name, trouble=("worker" if error.by_asker else "remote", error.message, error.hint))
    full = disks.fault(folder, error)
    if full is not None:
        return Answer(task.name, trouble=("worker", *full))
    if isinstance(error, MlgitError):
        return Answer(task.name, problem=(error.message, error.hint))
    if isinstance(error, OSError):
        return Answer(task.name, trouble=("worker", str(error), "see the machine of this worker"))
    told = "".join(traceback.format_exception(error))
    problem = (
        f"a defect in mlgit on the worker: {type(error).__name__}: {error}",
        "please report it with the log of this stage",
    )
    return Answer(task.name, log=told.encode(), problem=problem)


def _last_part(log: Path) -> bytes:
    with open(log, "rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - LARGEST_LOG))
        content = stream.read()
    return content if size <= LARGEST_LOG else b"(the dvccommands was left out)\n" + content


def main() -> None:
    """Answer tasks until standard input is closed."""
    os.setsid()  # an interrupt typed at a terminal is for the run, which ends this process itself
    signal.signal(signal.SIGTERM, _end)
    source, sink = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(2, 1)
    for descriptor in (source, sink):
        os.set_inheritable(descriptor, False)
    local = table.make("local", jobs=1)
    # The signal may come at any moment, also while the end of the input is being dealt with.
    with suppress(EndedError, EOFError, BrokenPipeError, ConnectionResetError):
        try:
            try:
                _serve(source, sink, local)
            finally:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
        finally:
            local.stop()


def _serve(source: int, sink: int, local: Executor) -> None:
    threading.Thread(target=_watch, args=(source,), daemon=True).start()
    with Connection(source, writable=False) as asked, Connection(sink, readable=False) as answered:
        for answer in _answers(Path(sys.argv[1]), asked, local):
            answered.send(answer)


def _answers(folder: Path, asked: Connection, local: Executor) -> Iterator[Answer]:
    bench: Bench | None = None
    while True:
        site, task = asked.recv()
        try:
            if bench is None or bench.site != site:
                bench = Bench(folder, site)
            answer = perform(bench, local, task, folder / "log")
        except EndedError:
            raise
        except Exception as error:
            answer = _explained(task, error, folder)
        if answer.code or answer.problem or answer.trouble:
            bench = None  # what a failed stage left is not looked through but thrown away
        yield answer


def _end(number: int, frame: object) -> None:
    raise EndedError


def _watch(source: int) -> None:
    """End this process when nobody can ask it any more: the worker was killed."""
    poll = select.poll()
    poll.register(source, 0)  # hang-up is always reported
    poll.poll()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
