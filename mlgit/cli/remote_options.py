"""The option of every command that may ask a DVC remote: how long to wait for it; and the word that it is being waited for."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, TextIO, TypeVar

import click

from mlgit.cli import preferences
from mlgit.render.text import plain

_CLEAR = "\x1b[K"
_REDRAWN, _REPEATED = 0.2, 10.0  # seconds
F = TypeVar("F", bound=Callable[..., Any])


def timeout_option() -> Callable[[F], F]:
    """`--timeout DURATION`, which holds for all that the command asks of a DVC remote."""
    return click.option(
        "--timeout",
        metavar="DURATION",
        expose_value=False,
        callback=_set_limit,
        help="How long a DVC remote may be silent, as 90s or 5m (default: a minute, or its `read_timeout` or `timeout`).",
    )


def _set_limit(context: click.Context, option: click.Parameter, value: str | None) -> None:
    from mlgit.commands.remote_access import limit_remotes, watch_remotes
    from mlgit.pipeline import stage_options

    watch_remotes(announce=_tell, report=TransferLine(sys.stderr).show)
    if value is None:
        return
    try:
        seconds = stage_options.duration(value)
    except (AttributeError, ValueError):  # no duration at all, or one of "1.2.3s"
        seconds = 0.0
    if not seconds > 0:
        raise click.BadParameter(f"'{value}' is not a duration such as 90s or 5m")
    limit_remotes(seconds)


class TransferLine:
    """How far a transfer is: one line that changes on a terminal, and a line now and then elsewhere."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._last = 0.0

    def show(self, text: str) -> None:
        """Take the text in; '' ends the line."""
        if preferences.current().quiet:
            return
        now = time.monotonic()
        if self._stream.isatty():
            if not text or now - self._last >= _REDRAWN:
                self._stream.write(f"\r{_CLEAR}{plain(text)}")
                self._stream.flush()
                self._last = now
        elif text and now - self._last >= _REPEATED:
            self._stream.write(f"{plain(text)}\n")
            self._stream.flush()
            self._last = now


def _tell(text: str) -> None:
    if preferences.current().quiet:
        return
    sys.stderr.write(f"{plain(text)}\n")
    sys.stderr.flush()
