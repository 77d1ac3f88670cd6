"""What a user sees while a pipeline runs of what its stages print, and on a terminal of how far they are."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import TextIO

from mlgit.cli.preferences import use_color
from mlgit.cli.progress import StageLines, why_of
from mlgit.cli.screen import Screen
from mlgit.cli.stage_output import StageOutput
from mlgit.pipeline.forecast import Forecast, Left
from mlgit.pipeline.model import Stage
from mlgit.pipeline.scheduler import Result
from mlgit.pipeline.status import Reason
from mlgit.render.run_table import Row, rows, summary
from mlgit.render.terminal import paint, wrap


class StreamedLines(StageLines):
    """The lines of a run, and between them those that its stages print."""

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__(stream)
        self._color = use_color(self._stream)
        self._output = self._listen(frozenset(), prefixed=False)

    @property
    def streamed(self) -> Collection[str]:
        """The stages whose output was shown while they ran."""
        return self._output.names

    def follow(self, names: Collection[str], *, at_once: bool) -> None:
        """Print what these stages print."""
        self._output = self._listen(names, prefixed=at_once)

    def printed(self, name: str, content: bytes, *, left_out: int) -> None:
        """Print it."""
        self._output.printed(name, content, left_out=left_out)

    def printed_all(self, name: str) -> None:
        """End the line that the stage left open."""
        self._output.printed_all(name)

    def waiting(self, what: str) -> None:
        """Say what is waited for, on a line of its own."""
        self._output.break_line()
        super().waiting(what)

    def note(self, text: str) -> None:
        """Say it on standard error, on a line of its own."""
        self._output.break_line()
        super().note(text)

    def tick(self) -> None:
        """Print what stands on lines that are not complete."""
        self._output.settle()

    def _listen(self, names: Collection[str], *, prefixed: bool) -> StageOutput:
        return StageOutput(names, prefixed=prefixed, color=self._color, whole_lines=False, write=self._write)

    def _line(self, text: str, style: str = "") -> None:
        self._output.break_line()
        super()._line(text, style)


class Live(StreamedLines):
    """Ended stages, and what is printed, scroll by; below them stands a table of what runs now, with a line of counts."""

    is_watching = True

    def __init__(self) -> None:
        super().__init__()
        self._screen = Screen(self._stream)
        self._forecast: Forecast | None = None
        self._total = 0
        self._done = 0
        self._is_drawn = False
        self._running: dict[str, tuple[float, tuple[Reason, ...]]] = {}

    def begin(self, total: int) -> None:
        """Start the table."""
        self._total = total
        self._is_drawn = True
        self._write("")

    def expect(self, forecast: Forecast) -> None:
        """Show from now on what is to be expected."""
        self._forecast = forecast

    def end(self) -> None:
        """Take the table away."""
        self._is_drawn = False
        self._write("")

    def waiting(self, what: str) -> None:
        """Say it with the table out of the way."""
        self._aside(super().waiting, what)

    def note(self, text: str) -> None:
        """Say it with the table out of the way."""
        self._aside(super().note, text)

    def started(self, stage: Stage, reasons: tuple[Reason, ...]) -> None:
        """Show the stage among those that run."""
        self._running[stage.address] = (time.monotonic(), reasons)
        self._write("")

    def retried(self, stage: Stage, attempt: int, delay: float) -> None:
        """Say above the table that the stage is tried again."""
        self._running.pop(stage.address, None)
        super().retried(stage, attempt, delay)

    def ended(self, result: Result) -> None:
        """Move the stage from the table to the lines above it."""
        self._done += 1
        self._running.pop(result.stage.address, None)
        if self._forecast:
            self._forecast.ended(result.stage.address)
        super().ended(result)

    def tick(self) -> None:
        """Draw the table anew."""
        self._write("")

    def _listen(self, names: Collection[str], *, prefixed: bool) -> StageOutput:
        return StageOutput(names, prefixed=prefixed, color=self._color, whole_lines=True, write=self._write)

    def _aside(self, tell: Callable[[str], None], text: str) -> None:
        was_drawn, self._is_drawn = self._is_drawn, False
        self._write("")
        tell(text)
        self._is_drawn = was_drawn
        self._write("")

    def _line(self, text: str, style: str = "") -> None:
        lines = wrap(text, self._screen.size[0], indent=11)
        self._write("".join(f"{paint(line, style, color=self._color) if style else line}\n" for line in lines))

    def _write(self, text: str) -> None:
        """Put whole lines, if any, above the table, and draw that anew."""
        self._screen.show(text, self._rows() if self._is_drawn else ())

    def _rows(self) -> list[str]:
        now, (columns, lines) = time.monotonic(), self._screen.size
        elapsed = {name: now - since for name, (since, _) in self._running.items()}
        known = self._forecast
        running = [
            Row(
                name, took, known.of(name) if known else None, self._output.last(name) or why_of(self._running[name][1]).strip()
            )
            for name, took in elapsed.items()
        ]
        left = known.left(elapsed) if known else Left(0.0, 0)
        told = summary(self._done, self._total, left=left.seconds, unknown=left.unknown)
        return rows(running, summary=told, columns=columns, lines=lines, color=self._color)
