"""Judges the windows of released models that nobody has judged yet, and keeps each verdict as a commit."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mlgit import errors
from mlgit import project as projects
from mlgit.commands import places, policy_inputs, retrain_state, window_judging
from mlgit.commands.notes import Note, unheard
from mlgit.commands.retrain_state import ModelInProduction
from mlgit.commands.window_judging import WindowJudging
from mlgit.errors import MlgitError
from mlgit.monitoring import chain, last_run, verdict_refs, verdict_sync, windows
from mlgit.monitoring.chain import Chain, ChainEntry, JudgedWindow
from mlgit.monitoring.verdict import MonitorVerdict
from mlgit.monitoring.verdict_refs import ChainMovedError
from mlgit.monitoring.window import Window
from mlgit.monitoring.windows import WindowsRead
from mlgit.monitoring_settings import Cut
from mlgit.render.text import count, few
from mlgit.revision.revisions import Revisions

# Against other commands in this clone that judge the same model.
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class ModelRun:
    """What a run found about one model: the new `verdicts`, the one that stands last, and how many windows were known.

    `is_recorded`: verdicts are commits; `is_sent`: and the remote has them. `n_open` windows expect more rows.
    """

    model: str
    environment: str
    version: str
    verdicts: tuple[MonitorVerdict, ...] = ()
    latest: MonitorVerdict | None = None
    latest_code: int = errors.EXIT_CANNOT_ANSWER
    n_known: int = 0
    n_open: int = 0
    is_recorded: bool = True
    is_sent: bool = False
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """The worst of the new verdicts; without any, that of the one that stands last."""
        codes = {each.exit_code for each in self.verdicts} or {self.latest_code}
        return _worst(codes)

    def document(self) -> dict[str, Any]:
        """The answer about one model."""
        return {
            "model": self.model,
            "environment": self.environment or None,
            "version": self.version,
            "verdicts": [each.document() for each in self.verdicts],
            "latest": self.latest.document() if self.latest else None,
            "known": self.n_known,
            "open": self.n_open,
            "recorded": self.is_recorded,
            "sent": self.is_sent,
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class MonitorRunResult:
    """A run over models; what kept one from being watched is among `failures`, and keeps no other from it."""

    models: tuple[ModelRun, ...]
    failures: tuple[tuple[str, MlgitError], ...] = field(default=())

    @property
    def exit_code(self) -> int:
        """No where any window alarmed, no answer where any cannot be judged."""
        failed = {errors.EXIT_CANNOT_ANSWER} if self.failures else set()
        return _worst({each.exit_code for each in self.models} | failed)

    def document(self) -> dict[str, Any]:
        """The answer as JSON: schema 1."""
        failures = [{"model": name, "message": error.message, "hint": error.hint} for name, error in self.failures]
        return {"schema": 1, "models": [each.document() for each in self.models], "failures": failures}


def _worst(codes: set[int]) -> int:
    return next((code for code in (errors.EXIT_NO, errors.EXIT_CANNOT_ANSWER) if code in codes), errors.EXIT_YES)


def run(
    name: str | None = None,
    *,
    current: str | None = None,
    record: bool = True,
    push: bool = False,
    remote: str = "origin",
    partial: bool = False,
    note: Note = unheard,
) -> MonitorRunResult:
    """Judge the windows of NAME or NAME#ENVIRONMENT, without a name those of every model under `monitoring:`.

    `current` is a file, folder or pattern to judge instead of the declared windows; that is recorded only where the model is
    declared. `partial` windows, which expect more rows, are judged only when asked for. `note` is told what is being done.
    Raises MlgitError where a named model cannot be watched.
    """
    names = [name] if name is not None else _declared()
    if current is not None and len(names) > 1:
        raise MlgitError(f"--current is of one model, and {few(names)} are watched", f"name it: `mlgit monitor run {names[0]}`")
    found, failures = [], []
    for each in names:
        try:
            found.append(_run_one(each, current, record=record, push=push, remote=remote, partial=partial, note=note))
        except MlgitError as error:
            if name is not None:
                raise
            failures.append((each, error))
    return MonitorRunResult(tuple(found), tuple(failures))


def _declared() -> list[str]:
    with Revisions(projects.find()) as revisions:
        deciding = policy_inputs.in_force(revisions, revisions.head)
        if not deciding.config.monitorings:
            raise MlgitError(
                f"mlgit.yaml of {deciding.name} watches no model: it has no `monitoring:`",
                "declare one there, or type `mlgit monitor run NAME --current FILE`",
            )
        prefix = revisions.project.prefix.rstrip("/")
        return [each if ":" in each or not prefix else f"{prefix}:{each}" for each in deciding.config.monitorings]


def _run_one(name: str, current: str | None, *, record: bool, push: bool, remote: str, partial: bool, note: Note) -> ModelRun:
    with Revisions(places.place(name).project) as revisions:
        watched = retrain_state.in_production(revisions, name)
        root = revisions.project.git_root
        ref = chain.ref_of(watched.name, watched.environment)
        judging = window_judging.opened(revisions, watched)
        is_kept = record and (current is None or judging.settings.declared)
        is_shared = push and is_kept
        again = _recompute(judging)
        before = verdict_sync.share(root, ref, remote, recompute=again).chain if is_shared else verdict_refs.load(root, ref)
        read, is_cut = _windows(judging, current, _since(before, watched, judging) if current is None else None)
        wanted, n_known = _wanted(read, before, watched, is_kept=is_kept, partial=partial)
        n_open = sum(not each.is_complete for each in read.windows)
        note(f"{watched.label} in {watched.environment or 'no environment'}: {count(len(wanted), 'window')} to judge")
        verdicts, after = _judged(judging, before, wanted, is_kept=is_kept, is_cut=is_cut)
        is_sent = False
        notes: tuple[str, ...] = ()
        if is_shared:
            shared = verdict_sync.share(root, ref, remote, recompute=again, known=after)
            after, is_sent, notes = shared.chain, shared.is_sent, shared.notes
            verdicts = tuple(_as_recorded(after, each) for each in verdicts)
        if is_kept:
            last_run.record(root, model=watched.name, environment=watched.environment)
        latest = after.latest if current is None else _known(after, watched, read)
        return ModelRun(
            watched.name,
            watched.environment,
            watched.version.name,
            verdicts,
            latest.verdict if latest else None,
            latest.exit_code if latest else errors.EXIT_CANNOT_ANSWER,
            n_known,
            0 if partial else n_open,
            is_kept,
            is_sent,
            (*read.notes, *notes, *judging.error_changes()),
        )


def _known(after: Chain, watched: ModelInProduction, read: WindowsRead) -> JudgedWindow | None:
    """What stands about the last window of a file that somebody named; nothing where none of it was ever judged."""
    named = {each.digest for each in read.windows}
    found = [each for each in after.timeline if each.verdict.window.digest in named]
    return next((each for each in reversed(found) if each.verdict.model_digest == watched.digest), None)


def _as_recorded(after: Chain, verdict: MonitorVerdict) -> MonitorVerdict:
    """The verdict about a window that the chain has: another runner's, or the own one judged anew behind others."""
    found = after.find(verdict.model_digest, verdict.window.digest)
    return found.verdict if found and found.verdict else verdict


def _windows(judging: WindowJudging, current: str | None, since: datetime.datetime | None) -> tuple[WindowsRead, bool]:
    """The windows, and whether they were cut as the declared ones are."""
    now = datetime.datetime.now(datetime.UTC)
    texts, settings = judging.texts, judging.settings
    if current is None:
        workspace = judging.revisions.workspace
        read = windows.read(workspace, settings.windows, model=judging.model, now=now, since=since, texts=texts)
        is_cut = settings.windows.by.kind != "whole"
    else:
        read, is_cut = _typed(judging, current, now)
    judging.hold_beside(read.windows)
    return read, is_cut


def _typed(judging: WindowJudging, current: str, now: datetime.datetime) -> tuple[WindowsRead, bool]:
    by = judging.settings.windows.by
    try:
        return windows.read_file(current, by=by, model=judging.model, now=now, texts=judging.texts), by.kind != "whole"
    except MlgitError as error:  # it may lack the column that windows are cut by: then it is one window
        read = windows.read_file(current, by=Cut(), model=judging.model, now=now, texts=judging.texts)
        return replace(read, notes=(*read.notes, f"one window, not cut by {by}: {error.message}")), False


def _since(before: Chain, watched: ModelInProduction, judging: WindowJudging) -> datetime.datetime | None:
    """From when on windows may be new: a few periods before the last one that was judged, for rows that come late; and for
    labels, as much earlier as they are late."""
    latest, labels = before.latest, judging.settings.labels
    moment = chain.moment(latest.verdict.window.since) if latest and latest.verdict.window.since else None
    if moment is None:
        return None
    return datetime.datetime.fromtimestamp(moment, datetime.UTC) - datetime.timedelta(days=35 + (labels.lag if labels else 0))


def _wanted(
    read: WindowsRead, before: Chain, watched: ModelInProduction, *, is_kept: bool, partial: bool
) -> tuple[list[Window], int]:
    """The windows that are to be judged, and how many were judged before: by this version, or by one that was there then."""
    complete = [each for each in read.windows if each.is_complete or partial or not is_kept]
    if not is_kept:
        return complete, 0
    digests = {each.key[1] for each in before.verdicts}
    by_others, own = set[str](), set[str]()
    for verdict in (each.verdict for each in before.verdicts):
        if verdict:
            (own if verdict.model_digest == watched.digest else by_others).add(verdict.window.name)
    found = [each for each in complete if each.digest not in digests and (each.name in own or each.name not in by_others)]
    return found, len(complete) - len(found)


def _judged(
    judging: WindowJudging, before: Chain, wanted: Sequence[Window], *, is_kept: bool, is_cut: bool
) -> tuple[tuple[MonitorVerdict, ...], Chain]:
    """The verdicts about windows, and the chain with them."""
    root = judging.revisions.project.git_root
    verdicts: list[MonitorVerdict] = []
    for window in wanted:
        for attempt in range(_ATTEMPTS):
            known = before.find(judging.watched.digest, window.digest)
            entry = known or judging.judge(window, before, is_cut=is_cut)
            if known or not is_kept:
                before = before if known else _with(before, entry)
                break
            try:
                before = verdict_refs.append(root, before, entry, not_before=judging.registered)
                break
            except ChainMovedError:
                if attempt == _ATTEMPTS - 1:
                    raise
                before = verdict_refs.load(root, before.ref)
        assert entry.verdict, "windows are judged"
        verdicts.append(entry.verdict)
    return tuple(verdicts), before


def _with(before: Chain, entry: ChainEntry) -> Chain:
    """The chain as it would be, for the next window of a run that writes nothing."""
    return Chain(before.ref, before.model, before.environment, before.tip, (*before.entries, entry))


def _recompute(judging: WindowJudging) -> Callable[[Chain, tuple[ChainEntry, ...]], Iterable[ChainEntry]]:
    """Judge windows of this clone anew behind verdicts of others: as far as their rows are here still."""

    def again(upon: Chain, entries: tuple[ChainEntry, ...]) -> Iterator[ChainEntry]:
        read, is_cut = _windows(judging, None, None)
        rows = {each.digest: each for each in read.windows}
        for entry in entries:
            window = rows.get(entry.key[1])
            if window is not None and entry.key[0] == judging.watched.digest:
                yield judging.judge(window, upon, is_cut=is_cut)

    return again
