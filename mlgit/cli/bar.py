"""A bar for work that takes long, on a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from mlgit.render.text import plain

_EVERY = 0.1  # seconds between two pictures of the progress
_PATIENCE = 0.5  # seconds before the first


@contextmanager
def progress(*, shown: bool) -> Iterator[Callable[[str, float], None] | None]:
    """Something to tell how far the work on a thing has come (its name, 0 to 1); None where nothing is to be shown.

    The bar is drawn by the thread that tells, because processes are forked only while there is no second one.
    """
    if not shown:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=Console(highlight=False), auto_refresh=False, transient=True)
    began, drawn = time.monotonic(), 0.0
    tasks: dict[str, Any] = {}

    def watch(name: str, part: float) -> None:
        nonlocal drawn
        now = time.monotonic()
        if now - began < _PATIENCE or (now - drawn < _EVERY and part < 1):
            return
        drawn = now
        if not tasks:
            bar.start()
        if name not in tasks:
            tasks[name] = bar.add_task(plain(name).replace("[", "\\["), total=1.0)
        bar.update(tasks[name], completed=part)
        bar.refresh()

    try:
        yield watch
    finally:
        if tasks:
            bar.stop()
