"""Writes the next tag of an artifact, and brings it to a remote so that no other writer's is lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from mlgit.adapters.git import git, remote_tags, tags
from mlgit.adapters.git.remote_tags import There
from mlgit.adapters.git.tags import TagExistsError
from mlgit.adapters.system import backoff
from mlgit.errors import MlgitError
from mlgit.registry import grammar, integrity, log
from mlgit.registry.plan import TagPlan, check_free
from mlgit.render.text import count

ATTEMPTS = 5  # against other commands in this clone
PATIENCE = 60.0  # seconds, against other writers to the remote
# Hosts tell nobody of tags when more than these come in one push: GitHub of more than three, some of more than two.
_MOST_AT_ONCE = 2
_LAST_TIME = 253_402_300_799  # the end of the year 9999: later dates are none to Git and others

Rebuild = Callable[[], TagPlan]


class NotTrustedError(MlgitError):
    """A tag that has to be signed by a key Git trusts is not."""


@dataclass(frozen=True, slots=True)
class Published:
    """What was written: the plan and the id of its tag ('' where nothing new was asked), and what reached the remote.

    `pushed` are names of tags in the order they were sent, older ones that had not been sent among them; `attempts` is how
    often the plan was made. `is_shared`: the repository has a remote.
    """

    plan: TagPlan
    oid: str = ""
    remote: str = ""
    pushed: tuple[str, ...] = ()
    attempts: int = 1
    notes: tuple[str, ...] = ()
    is_shared: bool = True


def require_complete(root: Path, remote: str, *, remotes: Collection[str] | None = None) -> None:
    """Ask the remote what there is, in a clone that lacks history or has no tag of a registry.

    Raises MlgitError when tags are missing here: numbers and states would be guessed.
    """
    if remote not in (remote_tags.remotes(root) if remotes is None else remotes):
        return
    here = tags.names(root)
    is_shallow = remote_tags.is_shallow(root)
    if not is_shallow and any(map(grammar.artifact_of, here)):
        return
    try:
        there = remote_tags.look(root, remote)
    except MlgitError as error:
        raise MlgitError(
            f"{error.message}; this clone has no models, so the remote must be asked before anything is numbered", error.hint
        ) from error
    _require_none_missing(there, here, is_shallow=is_shallow)


def _require_none_missing(there: There, here: Mapping[str, str], *, is_shallow: bool) -> None:
    missing = [name for name in there.tags if name not in here and grammar.artifact_of(name)]
    if missing:
        raise MlgitError(
            f"this clone lacks {len(missing)} tags of models that '{there.remote}' has, such as {missing[-1]}",
            f"`git fetch --tags{' --unshallow' if is_shallow else ''} {there.remote}`, then again",
        )


def require_past(plan: TagPlan, *, after_future_date: bool) -> None:
    """Raise MlgitError for a tag that would follow one whose date is yet to come: it would have to bear such a date as well.

    With `after_future_date` only where no date is left to bear.
    """
    now = int(time.time())
    if not plan.ref or not integrity.is_ahead(plan.not_before, now=now):
        return
    what = f"{plan.latest} is dated {integrity.ahead(plan.not_before, now=now)} ahead of this machine's clock"
    if plan.not_before > _LAST_TIME:
        raise MlgitError(
            f"{what}, and no date comes after it", f"take it away here and on the host: `git tag -d '{plan.latest}'`"
        )
    if not after_future_date:
        raise MlgitError(
            f"{what}: whatever follows it would have to be dated later still",
            f"if it is a mistake, take it away here and on the host first: `git tag -d '{plan.latest}'` and "
            f"`git push origin ':refs/tags/{plan.latest}'`; else --after-future-date writes this one a second after it",
        )


def preview(root: Path, rebuild: Rebuild, *, remote: str, push: bool) -> TagPlan:
    """The plan, with nothing written: for one that is to be pushed, the remote is asked whether all its tags are here."""
    if push:
        _require_none_missing(remote_tags.look(root, remote), tags.names(root), is_shallow=remote_tags.is_shallow(root))
    else:
        require_complete(root, remote)
    plan = rebuild()
    if plan.ref:
        check_free(plan.ref, tags.names(root))
    return plan


def keep(root: Path, rebuild: Rebuild, *, remote: str) -> Published:
    """Write the tag in this clone only. Where there is no remote at all, this clone keeps the log."""
    remotes = remote_tags.remotes(root)
    require_complete(root, remote, remotes=remotes)
    last = ""
    for attempt in range(1, ATTEMPTS + 1):
        plan = rebuild()
        if not plan.ref:
            return Published(plan, attempts=attempt, is_shared=bool(remotes))
        there, last = tags.names_and_log(root)
        check_free(plan.ref, there)
        with suppress(*([TagExistsError] if attempt < ATTEMPTS else [])):  # another command in this clone was faster
            oid = _write(root, plan)
            break
    if not remotes:
        for _ in range(ATTEMPTS):
            if tags.move_log(root, tags.append_log(root, log.format([(plan.ref, oid)]), upon=last), before=last):
                break
            last = tags.object_of(root, tags.LOG)  # another command in this clone was faster
    return Published(plan, oid, attempts=attempt, notes=_date_notes(plan), is_shared=bool(remotes))


def send(root: Path, rebuild: Rebuild, *, remote: str, patience: float = PATIENCE) -> Published:
    """Write the tag and push it, with those before it that were not pushed; tried again when another was faster.

    `rebuild` is called after the remote's tags and default branch have come, and again where the artifact has other tags, or
    the branch another commit, than then. It may refuse by raising; then nothing of it stays. A new try is made for
    `patience` seconds.
    Raises MlgitError when the remote cannot be reached, refuses, or holds another tag of one of these names.
    """
    if remote not in remote_tags.remotes(root) and "/" not in remote:
        raise MlgitError(f"remote '{remote}' not found", f"`git remote add {remote} URL`, or name one with --remote")
    plan: TagPlan | None = None
    basis: tuple[dict[str, str], str] = ({}, "")
    branch = remote_tags.followed_branch(root, remote)  # its mlgit.yaml decides
    for attempt in backoff.turns(patience):
        there, policy = _catch_up(root, remote, branch=branch)
        before = tags.names(root)
        if plan is None or basis != (_tags_of(plan.artifact, before), policy):
            plan = rebuild()
            basis = _tags_of(plan.artifact, before), policy
        _require_same(plan, there)
        level = _bring_up(root, there)
        found = _write_and_push(root, plan, level.there) if level else None
        if level and found is not None:
            notes = tuple(dict.fromkeys([*level.notes, *found.notes]))
            return replace(found, remote=there.remote, pushed=(*level.sent, *found.pushed), attempts=attempt, notes=notes)
    raise MlgitError(f"others were faster at '{remote}' {attempt} times in {patience:g} s", "try again")


def receive(root: Path, remote: str) -> None:
    """Bring the tags of models and the log that a remote has and this clone has not. Raises MlgitError as `send` does."""
    _catch_up(root, remote, branch="")


def _tags_of(artifact: str, names: Mapping[str, str]) -> dict[str, str]:
    return {name: oid for name, oid in names.items() if grammar.artifact_of(name) == artifact}


def _catch_up(root: Path, remote: str, *, branch: str) -> tuple[There, str]:
    """Bring what the remote has and this clone has not; what it has, and the commit of the branch."""
    there, here = remote_tags.look(root, remote, branch=branch), tags.names(root)
    if remote_tags.is_shallow(root):
        _require_none_missing(there, here, is_shallow=True)
    missing = [name for name in there.tags if name not in here and grammar.artifact_of(name)]
    policy = remote_tags.catch_up(root, there, missing, branch=branch)
    mine = tags.object_of(root, tags.LOG)
    if remote_tags.fetch_log(root, there, mine=mine) == "ahead":
        tags.move_log(root, there.log, before=mine)
    return there, policy


@dataclass(frozen=True, slots=True)
class _Level:
    """A remote whose log is no more behind the one here: what it has now, and what was sent for that."""

    there: There
    sent: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def _bring_up(root: Path, there: There) -> _Level | None:
    """Send what the log here names as published and a remote that is behind has not, as a mirror that was just made.

    The log goes along step by step, never further than the tags that it names. None when another writer was faster.
    """
    sent: list[str] = []
    notes: list[str] = []
    for batch, commit in _steps(root, there):
        pushed = remote_tags.push(root, there.remote, [name for name, _ in batch], log=commit)
        if pushed.outcome == "refused":
            pushed = _without_log(root, there.remote, batch)
        if pushed.outcome == "overtaken":
            return None
        if pushed.outcome == "done" and commit:
            there = replace(there, log=commit)
        elif pushed.outcome != "done":
            notes.append(_without_log_note(there.remote, pushed.said))
        sent += [name for name, _ in batch]
        there = replace(there, tags={**there.tags, **dict(batch)})
    if sent:
        notes.append(
            f"'{there.remote}' was behind: {count(len(sent), 'tag')} that the log here names as published went there too"
        )
    return _Level(there, tuple(sent), tuple(notes))


def _steps(root: Path, there: There) -> Iterator[tuple[list[tuple[str, str]], str]]:
    """What to push, a few tags at a time: with a commit of the log that names no tag of a later step, '' for none yet."""
    mine, here = tags.object_of(root, tags.LOG), tags.names(root)
    if mine == there.log:
        return
    waiting: list[tuple[str, str]] = []
    reached, seen = "", set(there.tags)
    for commit, message in tags.read_log(root, since=there.log):
        named = [(name, oid) for name, oid in log.parse([message]) if here.get(name) == oid]
        _require_all_same(named, there)
        missing = [row for row in dict.fromkeys(named) if row[0] not in seen]
        seen |= {name for name, _ in missing}
        if waiting and len(waiting) + len(missing) > _MOST_AT_ONCE:
            yield waiting, reached
            waiting = []
        *full, waiting = [*_batches([*waiting, *missing])] or [[]]
        yield from ((each, "") for each in full)
        reached = commit
    yield waiting, reached


def _require_same(plan: TagPlan, there: There) -> None:
    """No tag that the plan stands upon may be another one there: one of the two was never published, or was moved."""
    _require_all_same(plan.upon, there)


def _require_all_same(rows: Iterable[tuple[str, str]], there: There) -> None:
    for name, oid in rows:
        other = there.tags.get(name, oid)
        if other != oid:
            raise MlgitError(
                f"the tag {name} is {oid[:10]} here and {other[:10]} on '{there.remote}'",
                f"if yours was never published, `git tag -d '{name}'` and try again; else `mlgit model verify` tells more",
            )


def _write(root: Path, plan: TagPlan) -> str:
    oid = tags.write(
        root, plan.ref, target=plan.target, message=plan.message, when=max(int(time.time()), plan.not_before), sign=plan.sign
    )
    if plan.trusted:
        found = tags.verify(root, oid)
        if not found.is_good:
            tags.delete(root, plan.ref, oid=oid)
            raise NotTrustedError(
                f"the signature of {plan.ref} is not trusted: {found.detail}",
                "name your key in the file of `git config gpg.ssh.allowedSignersFile`, as `you@example.com KEY`",
            )
    return oid


def _write_and_push(root: Path, plan: TagPlan, there: There) -> Published | None:
    """None when another writer was faster; then the tag is gone again."""
    pending = [(name, oid) for name, oid in plan.upon if name not in there.tags]
    if not plan.ref:
        return _push_all(root, Published(plan), pending, there)
    check_free(plan.ref, {*tags.names(root), *there.tags})
    try:
        oid = _write(root, plan)
    except TagExistsError:  # by another command in this clone
        return None
    try:
        found = _push_all(root, Published(plan, oid, notes=_date_notes(plan)), [*pending, (plan.ref, oid)], there)
    except MlgitError:
        tags.delete(root, plan.ref, oid=oid)
        raise
    if found is None:
        tags.delete(root, plan.ref, oid=oid)
    return found


def _push_all(root: Path, made: Published, rows: list[tuple[str, str]], there: There) -> Published | None:
    last = tags.object_of(root, tags.LOG) or there.log
    notes = [*made.notes]
    unlogged = _unlogged_before(root, last, made.plan, there)
    for batch in _batches(rows) if rows or not unlogged else [[]]:
        commit = tags.append_log(root, log.format([*unlogged, *batch]), upon=last)
        pushed = remote_tags.push(root, there.remote, [name for name, _ in batch], log=commit)
        if pushed.outcome == "refused":
            pushed = _without_log(root, there.remote, batch)
        if pushed.outcome == "overtaken":
            return None
        if pushed.outcome == "done":
            tags.move_log(root, commit, before=tags.object_of(root, tags.LOG))
            last, unlogged = commit, []
        else:
            notes.append(_without_log_note(there.remote, pushed.said))
    names = tuple(name for name, _ in rows)
    return replace(made, remote=there.remote, pushed=names, notes=tuple(dict.fromkeys(notes)))


def _batches(rows: list[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    for start in range(0, len(rows), _MOST_AT_ONCE):
        yield rows[start : start + _MOST_AT_ONCE]


def _without_log(root: Path, remote: str, batch: list[tuple[str, str]]) -> remote_tags.Pushed:
    """Send tags one by one to a host that may only refuse the log.

    Raises MlgitError when it refuses a tag as well.
    """
    for name, _ in batch:
        pushed = remote_tags.push(root, remote, [name])
        if pushed.outcome == "overtaken":
            return pushed
        if pushed.outcome != "done":
            raise MlgitError(
                f"'{remote}' refuses the tag {name}: {pushed.said}",
                "ask who may create tags there (rulesets, protected tags, hooks)",
            )
    return remote_tags.Pushed("without log")


def _unlogged_before(root: Path, last: str, plan: TagPlan, there: There) -> list[tuple[str, str]]:
    """What is published and not in the log, such as tags pushed by other means: from now on it cannot vanish unseen."""
    done = git.run(root, "log", "--format=%B%x00", last, "--") if last else None
    logged = set(log.parse(done.text.split("\0"))) if done else set()
    return [row for row in plan.upon if row[0] in there.tags and row not in logged]


def _date_notes(plan: TagPlan) -> tuple[str, ...]:
    now = int(time.time())
    if not integrity.is_ahead(plan.not_before, now=now):
        return ()
    told = f"dated a second after {plan.latest}, {integrity.ahead(plan.not_before, now=now)} ahead of this machine's clock"
    return (f"{plan.ref} is {told}",)


def _without_log_note(remote: str, said: str) -> str:
    told = f" ({said})" if said else ""
    return (
        f"'{remote}' does not take {tags.LOG}{told}: two people who write at once are not kept apart there; "
        "`mlgit model verify` finds what that leaves behind"
    )
