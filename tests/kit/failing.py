"""A command that ends in every way a command can end; tests of the edge enter it into the command table."""

from __future__ import annotations

import errno
import os
import signal

import click

from mlgit.errors import MlgitError


@click.command()
@click.argument("how")
def command(how: str) -> int:
    """End as told."""
    if how.isdigit():
        return int(how)
    if how.startswith("SIG"):
        os.kill(os.getpid(), signal.Signals[how])
    raise {
        "message": MlgitError("params.yaml: no such file", "type `touch params.yaml`"),
        "no-hint": MlgitError("params.yaml: no such file"),
        "lines": MlgitError("first\nsecond", "third"),
        "hostile": MlgitError("key '\x1b[2J\u202e' of \udcff"),
        "defect": ZeroDivisionError("division by zero"),
        "missing": FileNotFoundError(errno.ENOENT, "No such file or directory", "expected.txt"),
        "full": OSError(errno.ENOSPC, "No space left on device"),
        "forbidden": PermissionError(errno.EACCES, "Permission denied", "dvc.lock"),
        "interrupt": KeyboardInterrupt(),
    }[how]
