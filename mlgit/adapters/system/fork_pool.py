"""Work spread over processes by fork, for what threads do slower than one: opening, reading and stating many small files.

Parts of the work are taken from a shared pipe, so that nobody waits for a slow neighbour. Results are plain data.
"""

from __future__ import annotations

import gc
import marshal
import os
import sys
from collections.abc import Callable

from mlgit.errors import MlgitError

TYPE_CHECKING = False  # typing takes longer to import than the answer "nothing changed" may take
if TYPE_CHECKING:
    from typing import Any

# The numbers of all parts have to fit into the smallest pipe a system gives (one page).
MOST_PARTS = 1000
_NUMBER = 4
_KILL = 9


def cpus() -> int:
    """The processors this process may run on."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def may_fork() -> bool:
    """Whether a fork is of use and safe: more than one processor, and no thread that could hold a lock."""
    threading = sys.modules.get("threading")
    return hasattr(os, "fork") and cpus() > 1 and (threading is None or threading.active_count() == 1)


def spread(parts: int, work: Callable[[int], Any], *, tick: Callable[[int], None] | None = None) -> list[Any]:
    """`work(0)` to `work(parts - 1)`, done by this process and its forks; `tick` is told how many were begun.

    At most MOST_PARTS. Raises what one of them raised: MlgitError and OSError as they are.
    """
    assert parts <= MOST_PARTS
    collecting = gc.isenabled()
    gc.disable()  # many small results, none of them garbage
    try:
        if not may_fork() or parts < 2:
            return [_ticked(number, work(number), tick) for number in range(parts)]
        return _spread(parts, work, tick)
    finally:
        if collecting:
            gc.enable()


def beside(work: Callable[[], None]) -> Callable[[], None]:
    """Have `work` done by a fork meanwhile, or at once where no fork may be; call what is returned to wait for its end.

    Nothing of it is missed when it fails: it is for what may be left undone.
    """
    if not may_fork():
        work()
        return _nothing
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(0)
    return lambda: _reap(pid)


def _nothing() -> None:
    return None


def _reap(pid: int) -> None:
    os.waitpid(pid, 0)


def _ticked(number: int, result: Any, tick: Callable[[int], None] | None) -> Any:
    if tick:
        tick(number + 1)
    return result


def _spread(parts: int, work: Callable[[int], Any], tick: Callable[[int], None] | None) -> list[Any]:
    queue, filling = os.pipe()
    os.write(filling, b"".join(number.to_bytes(_NUMBER, "little") for number in range(parts)))
    os.close(filling)
    children: dict[int, int] = {}
    try:
        for _ in range(min(cpus(), parts) - 1):
            pid, answer = _start(queue, work)
            children[pid] = answer
        found = _work_off(queue, work, tick)
        for pid, answer in children.items():
            found.update(_answer_of(pid, answer))
            children[pid] = -1
        return [found[number] for number in range(parts)]
    finally:
        os.close(queue)
        _end(children)


def _start(queue: int, work: Callable[[int], Any]) -> tuple[int, int]:
    parent = os.getpid()
    answer, answering = os.pipe()
    pid = os.fork()
    if pid:
        os.close(answering)
        return pid, answer
    code = 1
    try:
        with os.fdopen(answering, "wb") as stream:
            marshal.dump(_as_data(queue, work, parent), stream)
        code = 0
    finally:
        os._exit(code)


def _as_data(queue: int, work: Callable[[int], Any], parent: int) -> tuple[Any, ...]:
    try:
        return ("done", _work_off(queue, work, None, parent=parent))
    except MlgitError as error:
        return ("refused", error.message, error.hint)
    except OSError as error:
        return ("failed", error.errno, error.strerror, os.fsdecode(error.filename or ""))
    except KeyboardInterrupt:
        return ("interrupted",)
    except Exception as error:
        return ("defect", f"{error!r} at {_place(error)}")
    finally:
        while os.read(queue, 1 << 16):  # after an error, the others need not begin anything more
            pass


def _place(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"


def _work_off(queue: int, work: Callable[[int], Any], tick: Callable[[int], None] | None, *, parent: int = 0) -> dict[int, Any]:
    found: dict[int, Any] = {}
    while number := os.read(queue, _NUMBER):
        if parent and os.getppid() != parent:
            os._exit(1)
        part = int.from_bytes(number, "little")
        found[part] = work(part)
        if tick:
            tick(part + 1)
    return found


def _answer_of(pid: int, answer: int) -> dict[int, Any]:
    with os.fdopen(answer, "rb") as stream:
        content = stream.read()
    os.waitpid(pid, 0)
    if not content:
        raise MlgitError("a process that hashed files was ended from outside", "run the command again")
    kind, *rest = marshal.loads(content)  # noqa: S302 - written by a fork of this process
    match kind:
        case "done":
            results: dict[int, Any] = rest[0]
            return results
        case "refused":
            raise MlgitError(*rest)
        case "failed":
            raise OSError(*rest)
        case "interrupted":
            raise KeyboardInterrupt
        case _:
            raise RuntimeError(f"in a fork: {rest[0]}")


def _end(children: dict[int, int]) -> None:
    """After an error: end the children that are still at work."""
    for pid, answer in children.items():
        if answer >= 0:
            try:
                os.kill(pid, _KILL)
                os.waitpid(pid, 0)
                os.close(answer)
            except (ProcessLookupError, ChildProcessError, OSError):
                continue
