"""The process on a worker that runs stages, one after the other, in a working tree of its own.

It has one thread of its own to run commands as `mlgit run` does on one machine, and it ends what it started when the
worker goes away. It is told tasks and answers over its standard input and output.
"""

from __future__ import annotations

import os
import queue
import select
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

from mlgit.adapters.dvc import internals, remote, settings
from mlgit.adapters.dvc.hashing import Content, Fingerprints
from mlgit.adapters.dvc.remote import DamagedRemoteError, Remote, RemoteUnreachableError
from mlgit.adapters.dvc.settings import Settings
from mlgit.adapters.dvc.store import Cache
from mlgit.adapters.git.bundle import Clone
from mlgit.adapters.git.checkout import WorkingTree
from mlgit.adapters.system import disks, files, transfers
from mlgit.errors import MlgitError
from mlgit.executors import table
from mlgit.executors.dask import messages
from mlgit.executors.dask.messages import Answer, Files, Ran, Site, Target, Task
from mlgit.executors.protocol import Executor, Job, Outcome

LARGEST_LOG = 4 << 20
LARGEST_FILES = 64 << 20


class EndedError(Exception):
    """The worker wants this process to end."""


class Bench:
    """A working tree set up for one site: its cache, its remotes, and what is known of its files."""

    def __init__(self, folder: Path, site: Site) -> None:
        self.site = site
        self.tree = WorkingTree(folder / "tree", Clone(folder.parent / "clone.git"), site.commit)
        self.root = folder / "tree" / site.prefix
        dvc_folder = self.root / ".dvc"
        cache_folder = folder.parent / "cache"
        default, *others = (name for name, _ in site.remotes)
        urls = "".join(f"['remote \"{name}\"']\n    url = {url}\n" for name, url in site.remotes)
        local = f"[core]\n    remote = {default}\n{urls}[cache]\n    dir = {cache_folder}\n"
        dvc_folder.mkdir(exist_ok=True)
        files.write_atomic(dvc_folder / "config.local", local)
        self.tree.keep(f"{site.prefix}.dvc/config.local", f"{site.prefix}.dvc/tmp")
        configured = settings.load(dvc_folder)
        self.cache = Cache(Settings(cache_folder, configured.link_types))
        there = remote.connect(dvc_folder, self.cache, routes=(tuple(others), {}))
        assert there is not None
        self.remote = there
        transfers.limit.set(site.patience)
        self.remote.probe()  # before a stage runs for hours and cannot hand in what it made
        ignored = internals.ignore_filter(self.root) if site.filtered else None
        self.fingerprints = Fingerprints(self.root, folder / "known", ignored=ignored)

    def fetch(self, reads: Iterable[tuple[str, messages.Content]]) -> None:
        """Bring into the cache what will be read and does not lie there, in one go."""
        wanted = [
            content for path, content in ((path, Content(*each)) for path, each in reads) if not self._lies(path, content)
        ]
        remote.bring(self.remote, self.cache, wanted)

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

    def take_in(self, task: Task) -> tuple[dict[str, Content | None], dict[str, Files], list[str]]:
        """Hash what the task read and wrote, and keep its outputs; the last of the results are the objects to hand in.

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
                self.remote.assign(content.md5, target.remote)
                made.append(content.md5)
            else:
                uncached[target.path] = self._read(target.path, content)
        return contents, uncached, made

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


def perform(bench: Bench, local: Executor, task: Task, log: Path) -> tuple[Answer, list[str]]:
    """Run one task to its end, whatever that is; the objects have to be handed in before the answer holds."""
    lacks = bench.prepare(task)
    if lacks:
        return Answer(task.name, lacks=lacks), []
    env = {**task.env, "DVC_ROOT": str(bench.root)}
    local.submit(Job(task.name, task.commands, bench.root / task.wdir, env, log, task.timeout))
    ended: list[Outcome] = []
    while not ended:
        ended = local.wait(60)
    outcome = ended[0]
    common = (task.name, outcome.code, outcome.seconds, outcome.command, outcome.timed_out, _last_part(log))
    if outcome.code != 0:
        full = disks.fault(log.parent)
        return Answer(*common, trouble=("worker", *full) if full else None), []
    contents, uncached, made = bench.take_in(task)
    return Answer(*common, contents=contents, files=uncached), made


def _explained(name: str, error: Exception, folder: Path) -> Answer:
    """What an error on the way means for the task: it is the disk's, the remote's, the task's own, or a defect."""
    if isinstance(error, RemoteUnreachableError) and not isinstance(error, DamagedRemoteError):
        return Answer(name, trouble=("worker" if error.by_asker else "remote", error.message, error.hint))
    full = disks.fault(folder, error)
    if full is not None:
        return Answer(name, trouble=("worker", *full))
    if isinstance(error, MlgitError):
        return Answer(name, problem=(error.message, error.hint))
    if isinstance(error, OSError):
        return Answer(name, trouble=("worker", str(error), "see the machine of this worker"))
    told = "".join(traceback.format_exception(error))
    problem = (
        f"a defect in mlgit on the worker: {type(error).__name__}: {error}",
        "please report it with the log of this stage",
    )
    return Answer(name, log=told.encode(), problem=problem)


def _last_part(log: Path) -> bytes:
    with open(log, "rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - LARGEST_LOG))
        content = stream.read()
    return content if size <= LARGEST_LOG else b"(the beginning was left out)\n" + content


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
        folder = Path(sys.argv[1])
        handing = Handing(answered.send, folder)
        bench: Bench | None = None
        while True:
            site, task, ahead = asked.recv()
            made: list[str] = []
            try:
                if bench is None or bench.site != site or handing.has_failed():
                    bench = Bench(folder, site)
                if ahead:
                    bench.fetch([*task.reads, *ahead])
                answer, made = perform(bench, local, task, folder / "log")
            except EndedError:
                raise
            except Exception as error:
                answer = _explained(task.name, error, folder)
            if answer.code or answer.problem or answer.trouble or answer.lacks:
                handing.say(answer)
                bench = bench if answer.lacks else None  # what a failed stage left is not looked through but thrown away
            else:
                assert bench is not None
                handing.say(Ran(task.name))
                handing.give(answer, made, bench.remote)


class Handing:
    """Sends outputs to the remote beside the next tasks, all that have gathered meanwhile in one go, and then the answers."""

    def __init__(self, send: Callable[[Ran | Answer], None], folder: Path) -> None:
        self._send = send
        self._folder = folder
        self._lock = threading.Lock()
        self._given: queue.SimpleQueue[tuple[Answer, list[str], Remote]] = queue.SimpleQueue()
        self._failed = False
        self._limit: float | None = None
        threading.Thread(target=self._work, daemon=True).start()

    def say(self, said: Ran | Answer) -> None:
        """Tell the worker."""
        with self._lock:
            self._send(said)

    def give(self, answer: Answer, made: list[str], there: Remote) -> None:
        """Hand in these objects, and tell the answer when they are there."""
        self._limit = transfers.limit.get()  # that of a context, and each thread has its own
        self._given.put((answer, made, there))

    def has_failed(self) -> bool:
        """Whether something could not be handed in since this was asked last."""
        failed, self._failed = self._failed, False
        return failed

    def _work(self) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):  # nobody listens any more
            while True:
                given = [self._given.get()]
                with suppress(queue.Empty):
                    while True:
                        given.append(self._given.get_nowait())
                began = time.monotonic()
                transfers.limit.set(self._limit)
                try:
                    given[0][2].push([md5 for _, made, _ in given for md5 in made])
                except Exception as error:
                    self._failed = True
                    answers = [_explained(answer.name, error, self._folder) for answer, _, _ in given]
                else:
                    took = time.monotonic() - began
                    answers = [replace(answer, handing=took) for answer, _, _ in given]
                for answer in answers:
                    self.say(answer)


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
