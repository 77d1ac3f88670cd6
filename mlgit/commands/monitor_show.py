"""Shows what was judged about released models: the timeline of each, or one window whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlgit import errors
from mlgit.adapters.system import files
from mlgit.commands import verdict_chains
from mlgit.errors import MlgitError
from mlgit.monitoring import chain
from mlgit.monitoring.chain import Chain, JudgedWindow
from mlgit.render.text import few, moment
from mlgit.report import monitor_page


@dataclass(frozen=True, slots=True)
class MonitorTimeline:
    """The windows of a model in an environment, the last `windows` of them; `n_left_out` came before."""

    model: str
    environment: str
    ref: str
    windows: tuple[JudgedWindow, ...]
    n_left_out: int = 0

    @property
    def exit_code(self) -> int:
        """That of the last window."""
        return self.windows[-1].exit_code

    def document(self) -> dict[str, Any]:
        """The timeline as plain values."""
        return {
            "model": self.model,
            "environment": self.environment or None,
            "ref": self.ref,
            "left_out": self.n_left_out,
            "windows": [_row(each) for each in self.windows],
        }


@dataclass(frozen=True, slots=True)
class ShownTimelines:
    """The timelines that were asked for; with a name of a window of just that one."""

    timelines: tuple[MonitorTimeline, ...]

    @property
    def exit_code(self) -> int:
        """No where the last window of a model alarmed and nobody accepted it; no answer where one could not be judged."""
        codes = {each.exit_code for each in self.timelines}
        return next((code for code in (errors.EXIT_NO, errors.EXIT_CANNOT_ANSWER) if code in codes), errors.EXIT_YES)

    def document(self) -> dict[str, Any]:
        """The answer as JSON: schema 1."""
        return {"schema": 1, "timelines": [each.document() for each in self.timelines]}


def show(name: str | None = None, *, window: str | None = None, last: int | None = None) -> ShownTimelines:
    """What was judged about NAME or NAME#ENVIRONMENT, about all models without a name: the `last` so many windows.

    With `window`, its name or digest, only that one. Raises MlgitError where nothing was judged.
    """
    chains = verdict_chains.chosen(verdict_chains.root_here(), name)
    if window is not None:
        holder, found = verdict_chains.window_in(chains, window)
        return ShownTimelines((_timeline(holder, (found,)),))
    shown = tuple(_timeline(each, timeline, last=last) for each in chains if (timeline := each.timeline))
    if not shown:
        raise MlgitError("no window was judged yet", "`mlgit monitor run` judges one")
    return ShownTimelines(shown)


def _timeline(found: Chain, windows: Sequence[JudgedWindow], *, last: int | None = None) -> MonitorTimeline:
    kept = tuple(windows if last is None else windows[-last:])
    return MonitorTimeline(found.model, found.environment, found.ref, kept, len(windows) - len(kept))


def write_page(path: Path, shown: ShownTimelines) -> None:
    """Write the timeline of one model as an HTML page, whole or not at all. Raises MlgitError for several."""
    if len(shown.timelines) > 1:
        named = [chain.label(each.model, each.environment) for each in shown.timelines]
        raise MlgitError(f"a page shows one model, and there are {few(named)}", f"name one, as '{named[0]}'")
    (found,) = shown.timelines
    page = monitor_page.page(found.model, found.environment, found.windows, n_left_out=found.n_left_out)
    files.write_atomic(path, page)


def _row(judged: JudgedWindow) -> dict[str, Any]:
    accepted = judged.acceptance
    said = {"reason": accepted.reason, "by": accepted.author, "time": moment(accepted.when)} if accepted else None
    return judged.verdict.document() | {"accepted": said, "commit": judged.commit}
