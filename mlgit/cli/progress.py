"""What a user sees of a run where nothing is drawn anew: plain lines, and what failed."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from mlgit.cli.error_boundary import note
from mlgit.cli.preferences import use_color
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

    @property
    def streamed(self) -> Collection[str]:
        """The stages whose output was shown while they ran."""
        return ()

    def waiting(self, what: str) -> None:
        """Say what is waited for, at once."""
        sys.stderr.write(f"{plain(what)}; waiting for it to end (Ctrl-C gives up)\n")
        sys.stderr.flush()

    def note(self, text: str) -> None:
        """Say it on standard error."""
        note(text)


class StageLines(Silent):
    """One plain line when a stage starts and one when it ends; unchanged stages are only counted.

    `stream` is standard output, unless that is for a JSON document.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout

    def parameter_set(self, setting: ParameterSetting) -> None:
        """Print what the parameter was and is."""
        change = f"{setting.before} → {setting.now}" if setting.changed else f"is {setting.now} already"
        self._line(plain(f"{'set':9}  {setting.file}: {setting.key}: {change}"))

    def broken_off(self, results: Sequence[Result]) -> None:
        """Print what failed before."""
        show_failures(results, streamed=self.streamed)

    def started(self, stage: Stage, reasons: tuple[Reason, ...]) -> None:
        """Print the stage and why it runs."""
        self._line(plain(f"{'running':9}  {stage.address}{why_of(reasons)}"))

    def retried(self, stage: Stage, attempt: int, delay: float) -> None:
        """Print that the stage is tried again."""
        self._line(plain(f"{'retrying':9}  {stage.address}  (failed; attempt {attempt + 1} in {seconds(delay)})"), "yellow")

    def ended(self, result: Result) -> None:
        """Print how the stage ended, and how long it took."""
        if result.state != "unchanged":
            self._line(plain(row(result)), _COLORS[result.state])

    def _line(self, text: str, style: str = "") -> None:
        """Print a line at once; it is in a style where those that run stand in a table below."""
        self._write(f"{text}\n")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def say(text: str = "") -> None:
    """Print a line at once, so that it stands before what is printed next, on whichever stream."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def row(result: Result) -> str:
    """The line for a stage that ended."""
    took = f"  {seconds(result.seconds)}" if result.state in ("ran", "restored", "failed") else ""
    why = why_of(result.reasons) if result.state != "ran" else ""
    note = f"  ({result.message})" if result.state == "skipped" and result.message else ""
    return f"{result.state:9}  {result.stage.address}{took}{why}{note}"


def why_of(reasons: Sequence[Reason]) -> str:
    """Why a stage runs, as it stands behind its name."""
    if not reasons:
        return ""
    text = "; ".join(str(reason) for reason in reasons)
    return f"  ({text if len(text) <= _REASON_WIDTH else text[: _REASON_WIDTH - 1] + '…'})"


def show_failures(results: Sequence[Result], *, streamed: Collection[str] = ()) -> None:
    """For every failed stage: its command, exit code and last lines, or what was wrong before or after it.

    The lines of those that were `streamed` stand above.
    """
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
            for line in last_lines(result.job.log) if result.stage.address not in streamed else ():
                say(f"  | {plain(line)}")
            say(f"  full log: {Path(result.job.log)}")
