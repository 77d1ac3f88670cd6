"""What a user sees of `mlgit exp run`: trials as they end; on a terminal below them those that run, and the best so far."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping

from mlgit.cli import preferences
from mlgit.cli.error_boundary import note
from mlgit.cli.preferences import use_color
from mlgit.cli.progress import say
from mlgit.cli.screen import Screen, is_terminal
from mlgit.commands.exp_run import SweepResult
from mlgit.experiments.search import NextTrial, Search, value_of
from mlgit.experiments.sweep import TrialEnd
from mlgit.experiments.sweep_reporter import SweepReporter
from mlgit.render.run_table import Row, rows
from mlgit.render.terminal import paint
from mlgit.render.text import count, number, plain, seconds

_LONGEST = 200  # characters of settings in a line
_COLORS = {"finished": "green", "known": "cyan", "failed": "red"}


class TrialsSilent(SweepReporter):
    """Shows no progress, for `--json`: what is worth knowing beside it goes to standard error."""

    def note(self, text: str) -> None:
        """Say it on standard error."""
        note(text)


class TrialLines(TrialsSilent):
    """A line when a trial starts and one when it ends."""

    def __init__(self) -> None:
        self._stream = sys.stdout
        self._color = use_color(self._stream)

    def trial_started(self, search: Search, trial: NextTrial) -> None:
        """Print it, with what is set."""
        self._line(f"{'running':9} {trial.name}  ({_settings(trial.changes)})")

    def trial_ended(self, search: Search, end: TrialEnd) -> None:
        """Print how it ended, with the objective."""
        word = "known" if end.known else end.status
        told = [paint(f"{word:9}", _COLORS[word], color=self._color), plain(end.name)]
        told += [f" {text}" for text in (_objective(search, end), _stages(end), _seconds(end)) if text]
        self._line(" ".join(told))
        for line in end.message.splitlines() if end.status == "failed" else ():
            self._line(f"          {plain(line)}")

    def _line(self, text: str) -> None:
        self._stream.write(f"{text}\n")
        self._stream.flush()


class TrialTable(TrialLines):
    """Ended trials scroll by; below them stand those that run now, and a line of counts with the best so far."""

    def __init__(self) -> None:
        super().__init__()
        self._screen = Screen(self._stream)
        self._running: dict[str, tuple[float, str, str]] = {}
        self._search: Search | None = None

    def begun(self, search: Search) -> None:
        """Start the table."""
        self._search = search
        self._draw("")

    def trial_started(self, search: Search, trial: NextTrial) -> None:
        """Show the trial among those that run."""
        self._search = search
        self._running[trial.name] = (time.monotonic(), _settings(trial.changes), "")
        self._draw("")

    def stage_started(self, name: str, stage: str) -> None:
        """Show which stage of the trial runs."""
        if name in self._running:
            began, settings, _ = self._running[name]
            self._running[name] = (began, settings, stage)

    def trial_ended(self, search: Search, end: TrialEnd) -> None:
        """Move the trial from the table to the lines above it."""
        self._running.pop(end.name, None)
        super().trial_ended(search, end)

    def ended(self, search: Search) -> None:
        """Take the table away."""
        self._search = None
        self._screen.show("", [])

    def note(self, text: str) -> None:
        """Say it with the table out of the way."""
        self._screen.show("", [])
        super().note(text)

    def tick(self) -> None:
        """Draw the times anew."""
        self._draw("")

    def _line(self, text: str) -> None:
        self._draw(f"{text}\n")

    def _draw(self, above: str) -> None:
        columns, lines = self._screen.size
        now = time.monotonic()
        running = [
            Row(name, now - began, said=f"{stage}  {settings}".strip())
            for name, (began, settings, stage) in self._running.items()
        ]
        summary = [_summary(self._search, best=True), _summary(self._search, best=False)] if self._search else []
        shown = rows(running, summary=summary, columns=columns, lines=lines, color=self._color) if summary else []
        self._screen.show(above, shown)


def reporter(*, as_json: bool) -> SweepReporter:
    """What shows a search while it lasts: a live table on a terminal, else lines; nothing for JSON."""
    if as_json or preferences.current().quiet:
        return TrialsSilent()
    return TrialTable() if is_terminal(sys.stdout) else TrialLines()


def conclude(result: SweepResult, *, as_json: bool) -> int:
    """Show what came of a search; its exit code."""
    if as_json:
        say(json.dumps(result.document(), indent=2, default=str))
        return result.exit_code
    if result.is_queued:
        say("queued; `mlgit exp run` runs what is queued")
        return result.exit_code
    finished = len(result.trials) - len(result.failed)
    told = [f"{finished - result.known} finished", f"{result.known} known", f"{len(result.failed)} failed"]
    shown = ", ".join(text for text in told if not text.startswith("0 ")) or "nothing to try"
    end = " (`--until` is reached)" if result.reached else ""
    say(paint(f"{shown} in {seconds(result.seconds)}{end}", "red" if result.failed else "green", color=use_color(sys.stdout)))
    best = next((each for each in result.trials if each.name == result.best and result.best), None)
    if best is not None:
        value = value_of(best.metrics, result.sweep.objective)
        before = value_of(result.baseline_metrics, result.sweep.objective)
        said = f"best of {count(finished, 'trial')}: {best.name}, {result.sweep.objective} {number(value or 0.0)}"
        beside = f", the baseline has {number(before)}" if before is not None else ""
        say(plain(f"{said}  ({_settings(best.facts.changes)}){beside}"))
        say(f"`mlgit exp show` has all; `mlgit exp promote {best.name}` makes a branch of it")
    return result.exit_code


def _summary(search: Search, *, best: bool) -> str:
    ended = len(search.ends)
    told = [f"{ended} of {_total(search)} ended" if _total(search) else f"{ended} ended"]
    told += [f"{search.n_failed} failed"] if search.n_failed else []
    leader = search.best() if best else None
    if leader:
        value = search.value(leader)
        told.append(f"best {search.sweep.objective} {number(value or 0.0)}: {leader.name}")
    return ", ".join(told)


def _total(search: Search) -> int:
    return search.sweep.n_trials or search.size or 0


def _objective(search: Search, end: TrialEnd) -> str:
    value = search.value(end)
    return f"{search.sweep.objective} {number(value)}" if value is not None else ""


def _settings(changes: Mapping[str, object]) -> str:
    shown = ", ".join(f"{key}={json.dumps(value)}" for key, value in changes.items()) or "as it is"
    return plain(shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}...")


def _stages(end: TrialEnd) -> str:
    told = [f"{n} {state}" for state, n in end.stages.items() if n and state in ("ran", "restored", "failed")]
    return f"({', '.join(told)})" if told else ""


def _seconds(end: TrialEnd) -> str:
    return "" if end.known else seconds(end.seconds)
