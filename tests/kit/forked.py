"""mlgit and dvc as processes of their own without the second that each takes to import its modules.

A server imports them once for each worker of the tests, and forks a process for every call: with the arguments, folder,
environment and output of that call, from the same `__main__` as `python -m`. For tests of what a command does; those of how a
process starts, which modules it loads, how it is killed, or what many do at once use `tests.kit.mlgit` and `tests.kit.program`.
"""

from __future__ import annotations

import atexit
import functools
import gc
import importlib
import json
import os
import pkgutil
import random
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.kit.programs import Completed

# What both import late: when it is needed.
IMPORTED = (
    *("dvc.cli.parser", "dvc.repo", "dvc.repo.reproduce", "dvc.repo.graph", "dvc.cachemgr", "dvc.data_cloud", "dvc.daemon"),
    *("dvc.dirs", "dvc.lock", "dvc.rwlock", "dvc._debug", "dvc_data.index", "dvc_data.hashfile", "dvc_data.hashfile.cache"),
    *("scmrepo.git", "dulwich.ignore", "dulwich.worktree", "configobj", "psutil", "networkx", "ruamel.yaml"),
    *("rich.status", "rich.live"),
)
# What takes as long again, and only tests that are slow need.
FOR_SLOW = ("pandas", "scipy.special", "distributed", "distributed.cli.dask_worker", "distributed.cli.dask_scheduler")
_FAST = ["fast"] if os.environ.get("MLGIT_TEST_FAST") == "1" else []  # the fence takes it away
_ONE_AFTER_THE_OTHER = threading.Lock()


def mlgit(root: Path, *args: str, env: Mapping[str, str] | None = None, stdin: str = "", seconds: int = 0) -> Completed:
    """The program, with `env` over the fenced environment of the test; it is killed after so many `seconds`, if any."""
    return call("mlgit", root, args, env=env, stdin=stdin, seconds=seconds)


def call(
    module: str, root: Path, args: tuple[str, ...], *, env: Mapping[str, str] | None, stdin: str = "", seconds: int = 0
) -> Completed:
    """Run `python -m MODULE ARGS` in `root`."""
    from tests.kit.programs import Completed

    with tempfile.TemporaryDirectory(prefix="mlgit-test-forked-") as folder:
        places = [Path(folder, name) for name in ("in", "out", "err")]
        places[0].write_text(stdin)
        code = _ask(module, root, args, env={**os.environ, **(env or {})}, files=places, seconds=seconds)
        out, err = (path.read_bytes().decode(errors="surrogateescape") for path in places[1:])
    return Completed(code, out, err)


@dataclass(frozen=True, slots=True)
class Started:
    """A process that was not waited for; what `subprocess.Popen` says of its own."""

    pid: int

    def poll(self) -> int | None:
        """None while it runs; its exit code is not known."""
        try:
            state = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return 0
        return 0 if state == "Z" else None

    def kill(self) -> None:
        """End it so that it can do nothing about it."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> None:
        """Wait for its end."""
        while self.poll() is None:
            time.sleep(0.005)


def start(module: str, root: Path, args: Sequence[str], *, env: Mapping[str, str], log: Path) -> Started:
    """Start `python -m MODULE ARGS` in `root` with this environment, in a session of its own, and say everything to `log`."""
    log.touch()
    return Started(_ask(module, root, args, env=env, files=[Path(os.devnull), log, log], is_awaited=False))


def _ask(
    module: str,
    root: Path,
    args: Sequence[str],
    *,
    env: Mapping[str, str],
    files: Sequence[Path],
    seconds: int = 0,
    is_awaited: bool = True,
) -> int:
    """The exit code, or the id of a process that is not awaited."""
    request = {
        "module": module,
        "args": list(map(str, args)),
        "root": str(root),
        "env": dict(env),
        "files": list(map(str, files)),
        "seconds": seconds,
        "is_awaited": is_awaited,
    }
    with _ONE_AFTER_THE_OTHER:
        server = _server()
        assert server.stdin
        assert server.stdout
        server.stdin.write(json.dumps(request).encode() + b"\n")
        server.stdin.flush()
        return int(server.stdout.readline())


@functools.cache
def _server() -> subprocess.Popen[bytes]:
    child = subprocess.Popen(
        [sys.executable, __file__, *_FAST], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    atexit.register(_end, child)
    return child


def _end(child: subprocess.Popen[bytes]) -> None:
    assert child.stdin
    child.stdin.close()
    child.wait()


# -- the server


def _serve() -> None:
    """Fork for every request; returns in the process that was forked, or at the end of requests."""
    asked, answers = os.fdopen(os.dup(0), "rb", buffering=0), os.dup(1)
    _prepare()
    while line := asked.readline():
        request = json.loads(line)
        pid = os.fork()
        if not pid:
            asked.close()
            os.close(answers)
            _become(request)
        said = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) if request["is_awaited"] else pid
        os.write(answers, b"%d\n" % said)
        _bury()


def _bury() -> None:
    """Let go of processes that were not awaited and have ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _prepare() -> None:
    sys.path[0] = os.getcwd()  # not the folder of this file
    import mlgit.cli

    later = () if sys.argv[1:] == ["fast"] else FOR_SLOW
    for name in (*IMPORTED, *later, *(each.name for each in pkgutil.walk_packages(mlgit.cli.__path__, "mlgit.cli."))):
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # a collection in a forked process would copy every page


def _become(request: dict[str, Any]) -> None:
    """Be the process that was asked for, to its end."""
    os.chdir(request["root"])
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    random.seed()
    for number, (path, mode) in enumerate(zip(request["files"], ("rb", "ab", "ab"), strict=True)):
        with open(path, mode) as stream:
            _replace(stream, number)
    signal.alarm(request["seconds"])
    if not request["is_awaited"]:
        os.setsid()
        importlib.import_module("dask.config").refresh()  # it was read from the environment of the server
    sys.path[0] = request["root"]
    sys.argv = ["", *request["args"]]
    try:
        runpy.run_module(request["module"], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if isinstance(end.code, str):
            raise
        code = end.code or 0
    else:
        code = 0
    _end_at_once(code)


def _end_at_once(code: int) -> None:
    """End as a process does, but for taking everything apart that was imported."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


def _replace(stream: IO[bytes], number: int) -> None:
    os.dup2(stream.fileno(), number)


if __name__ == "__main__":
    _serve()
