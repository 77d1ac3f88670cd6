"""The option of every command that may ask a DVC remote: how long to wait for it; and the word that it is being waited for."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from mlgit.adapters import transfers
from mlgit.pipeline import control
from mlgit.render import plain

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
    transfers.announce.set(_tell)
    if value is None:
        return
    try:
        seconds = control.duration(value)
    except (AttributeError, ValueError):  # no duration at all, or one of "1.2.3s"
        seconds = 0.0
    if not seconds > 0:
        raise click.BadParameter(f"'{value}' is not a duration such as 90s or 5m")
    transfers.limit.set(seconds)


def _tell(text: str) -> None:
    sys.stderr.write(f"{plain(text)}\n")
    sys.stderr.flush()
