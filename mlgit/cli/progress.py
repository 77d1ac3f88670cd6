"""What a user sees while a pipeline runs: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mlgit.cli.error_boundary import note, use_color
from mlgit.commands.run import RunReporter
from mlgit.commands.stage_failures import cause, last_lines
from mlgit.pipeline.model import Stage
from mlgit.pipeline.scheduler import Result
from mlgit.pipeline.status import Reason
from mlgit.render.terminal import paint
from mlgit.render.text import plain, seconds

if TYPE_CHECKING:
    from mlgit.commands.set_parameters import ParameterSetting

_COLORS = {"ran": "green", "restored": "cyan", "verified": "cyan", "failed": "red", "skipped": "yellow", "unchanged": "dim"}
_REASON_WIDTH = 60


class Silent(RunReporter):
    """Shows no progress, for `--json`: what is worth knowing beside it goes to standard error."""

    def waiting(self, what: str) -> None:
        """Say what is waited for, at once."""
        sys.stderr.write(f"{plain(what)}; waiting for it to end (Ctrl-C gives up)\n")
        sys.stderr.flush()

    def note(self, text: str) -> None:
        """Say it on standard error."""
        note(text)


class StageLines(Silent):
    """One plain line when a stage starts and one when it ends; unchanged stages are only counted."""

    def parameter_set(self, setting: ParameterSetting) -> None:
        """Print what the parameter was and is."""
        change = f"{setting.before} → {setting.now}" if setting.changed else f"is {setting.now} already"
        say(plain(f"{'set':9}  {setting.file}: {setting.key}: {change}"))

    def broken_off(self, results: Sequence[Result]) -> None:
        """Print what failed before."""
        show_failures(results)

    def started(self, stage: Stage, reasons: tuple[Reason, ...]) -> None:
        """Print the stage and why it runs."""
        say(plain(f"{'running':9}  {stage.address}{_why(reasons)}"))

    def retried(self, stage: Stage, attempt: int, delay: float) -> None:
        """Print that the stage is tried again."""
        say(plain(_retry_line(stage, attempt, delay)))

    def ended(self, result: Result) -> None:
        """Print how the stage ended, and how long it took."""
        if result.state != "unchanged":
            say(plain(row(result)))


def say(text: str = "") -> None:
    """Print a line at once, so that it stands before what is printed next, on whichever stream."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def row(result: Result) -> str:
    """The line for a stage that ended."""
    took = f"  {seconds(result.seconds)}" if result.state in ("ran", "restored", "failed") else ""
    why = _why(result.reasons) if result.state != "ran" else ""
    note = f"  ({result.message})" if result.state == "skipped" and result.message else ""
    return f"{result.state:9}  {result.stage.address}{took}{why}{note}"


def _why(reasons: Sequence[Reason]) -> str:
    if not reasons:
        return ""
    text = "; ".join(str(reason) for reason in reasons)
    return f"  ({text if len(text) <= _REASON_WIDTH else text[: _REASON_WIDTH - 1] + '…'})"


def _retry_line(stage: Stage, attempt: int, delay: float) -> str:
    return f"{'retrying':9}  {stage.address}  (failed; attempt {attempt + 1} in {seconds(delay)})"


class Live(StageLines):
    """Ended stages scroll by; below them stands a table of what runs now, with a line of counts."""

    def __init__(self) -> None:
        self._total = 0
        self._done = 0
        self._running: dict[str, tuple[float, tuple[Reason, ...]]] = {}

    def begin(self, total: int) -> None:
        """Start the table."""
        from rich.console import Console
        from rich.live import Live as RichLive

        self._console = Console(highlight=False)
        self._live = RichLive(console=self._console, auto_refresh=False, transient=True)
        self._total = total
        self._live.start()

    def end(self) -> None:
        """Take the table away."""
        self._live.stop()

    def started(self, stage: Stage, reasons: tuple[Reason, ...]) -> None:
        """Show the stage among those that run."""
        self._running[stage.address] = (time.monotonic(), reasons)
        self.tick()

    def retried(self, stage: Stage, attempt: int, delay: float) -> None:
        """Say above the table that the stage is tried again."""
        from rich.text import Text

        self._running.pop(stage.address, None)
        self._console.print(Text(plain(_retry_line(stage, attempt, delay)), style="yellow"))

    def ended(self, result: Result) -> None:
        """Move the stage from the table to the lines above it."""
        from rich.text import Text

        self._done += 1
        self._running.pop(result.stage.address, None)
        if result.state != "unchanged":
            self._console.print(Text(plain(row(result)), style=_COLORS[result.state]))
        self.tick()

    def tick(self) -> None:
        """Draw the table anew."""
        from rich.table import Table
        from rich.text import Text

        now = time.monotonic()
        grid = Table.grid(padding=(0, 2))
        for name, (since, reasons) in self._running.items():
            grid.add_row(
                Text("running", style="bold"), Text(plain(name)), Text(seconds(now - since)), Text(plain(_why(reasons)), "dim")
            )
        grid.add_row(Text(f"{self._done} of {self._total}", style="dim"))
        self._live.update(grid, refresh=True)


def show_failures(results: Sequence[Result]) -> None:
    """For every failed stage: its command, exit code and last lines, or what was wrong before or after it."""
    color = use_color(sys.stdout)
    for result in results:
        if result.state != "failed":
            continue
        say()
        say(paint(f"stage '{plain(result.stage.address)}' failed", "red", color=color) + f": {plain(cause(result))}")
        if result.outcome is not None:
            say(f"  command: {plain(result.outcome.command)}")
        if result.hint:
            say(f"  hint: {plain(result.hint)}")
        if result.job is not None:
            for line in last_lines(result.job.log):
                say(f"  | {plain(line)}")
            say(f"  full log: {Path(result.job.log)}")
