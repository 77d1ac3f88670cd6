"""The way in. What can be answered without a command line parser is answered here: start-up time is a feature."""

from __future__ import annotations

import os
import sys
import time


def main() -> None:
    """Run `mlgit` with the arguments of the process and exit with its code."""
    if sys.stdout is None:  # closed by the caller, who wants the exit code only
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - as long as the process
    try:
        _main(sys.argv[1:])
        sys.stdout.flush()
    except OSError as error:  # the output's disk is full; nothing may be flushed again
        sys.stderr.write(f"error: the output cannot be written: {error.strerror}\n")
        sys.stderr.flush()
        os._exit(2)
    except KeyboardInterrupt:  # before the handler at the edge stands: while modules are imported
        sys.stderr.write("error: interrupted\n")
        sys.exit(130)


def _main(arguments: list[str]) -> None:
    if arguments in (["--version"], ["-V"]):
        from mlgit import __version__

        sys.stdout.write(f"mlgit {__version__}\n")
        return
    if arguments in (["run"], ["status"]) and _nothing_changed(arguments[0]):
        return
    from mlgit.cli.edge import run

    sys.exit(run(arguments))


def _nothing_changed(command: str) -> bool:
    """Answer `run` and `status` from stats alone, where that can be done."""
    from mlgit.pipeline import noop

    began = time.perf_counter()
    root = noop.root_of(os.path.realpath(os.getcwd()))
    found = noop.answer(root) if root else None
    if found is None:
        return False
    stages, frozen = found
    if command == "run":
        sys.stdout.write(f"{stages} unchanged in {time.perf_counter() - began:.2f} s\n")
    else:
        noun = "stage" if stages == 1 else "stages"
        sys.stdout.write(f"up to date: {stages} {noun}" + (f" ({frozen} frozen)\n" if frozen else "\n"))
    return True
