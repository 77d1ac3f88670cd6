"""The way in. What can be answered without a command line parser is answered here: start-up time is a feature."""

from __future__ import annotations

import atexit
import gc
import os
import sys
import time

from mlgit.cli import fast


def main() -> None:
    """Run `mlgit` with the arguments of the process and exit with its code."""
    if sys.stdout is None:  # closed by the caller, who wants the exit code only
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - as long as the process
    # Commands make many small objects that live to the end; looking for cycles among them again and again is no use.
    gc.set_threshold(100_000)
    ended: list[int] = []
    atexit.register(_leave, ended)  # the first, so the last to be called: threads have ended then, and the rest is cleaned up
    try:
        code = _main(sys.argv[1:])
        sys.stdout.flush()
        ended.append(code)
        if code:
            sys.exit(code)
    except OSError as error:  # the output's disk is full; nothing may be flushed again
        sys.stderr.write(f"error: the output cannot be written: {error.strerror}\n")
        sys.stderr.flush()
        os._exit(2)
    except KeyboardInterrupt:  # before the error boundary stands: while modules are imported
        sys.stderr.write("error: interrupted\n")
        sys.exit(130)


def _leave(ended: list[int]) -> None:
    """End at once: to take apart every object that was made can take as long as an answer."""
    if ended:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(ended[0])


def _main(arguments: list[str]) -> int:
    if shell := os.environ.get("_MLGIT_COMPLETE"):
        from mlgit.cli import complete

        complete.answer(shell, arguments)
        return 0
    asked, kept = fast(arguments), None
    if asked == "version":
        from mlgit import __version__

        sys.stdout.write(f"mlgit {__version__}\n")
        return 0
    if asked in ("run", "status"):
        from mlgit.pipeline import noop

        began = time.perf_counter()
        try:
            root = noop.root_of(os.path.realpath(os.getcwd()))
        except FileNotFoundError:  # the folder is gone, which is said where every error is
            root = None
        kept = noop.compare(root) if root else None
        if kept and not kept.changed and len(arguments) == 1:
            _say_unchanged(asked, kept.stages, kept.frozen, time.perf_counter() - began)
            return 0
    from mlgit.cli.error_boundary import run

    return run(arguments, kept=kept)


def _say_unchanged(command: str, stages: int, frozen: int, took: float) -> None:
    """The answer to `run` and `status` from stats alone."""
    if command == "run":
        sys.stdout.write(f"{stages} unchanged in {took:.2f} s\n")
    else:
        noun = "stage" if stages == 1 else "stages"
        sys.stdout.write(f"up to date: {stages} {noun}" + (f" ({frozen} frozen)\n" if frozen else "\n"))
