"""The registry here beside that of a remote: what either has and the other has not, in tags and in the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from mlgit.adapters.git import remote_tags, tags
from mlgit.adapters.git.remote_tags import There
from mlgit.errors import MlgitError
from mlgit.registry import grammar, integrity, log
from mlgit.registry.integrity import TagFault
from mlgit.render.text import count

Rows = tuple[tuple[str, str], ...]


class Compared(NamedTuple):
    """What a comparison with a remote found.

    `remote` is '' where there is none to compare with; `trouble` is why nothing was compared though there is one;
    `published` are the rows of both logs, oldest first; `notes` are honest differences that somebody may want to know of.
    """

    remote: str = ""
    trouble: str = ""
    published: Rows = ()
    findings: tuple[TagFault, ...] = ()
    notes: tuple[str, ...] = ()


def compare(root: Path, *, here: Mapping[str, str], remote: str = "") -> Compared:
    """Compare the tags of models here (object ids by name) and the log with those of a remote.

    Without `remote`: with `origin`, or the only one there is. No ref moves; commits of the log are fetched.
    """
    mine = tags.object_of(root, tags.LOG)
    known = _rows(root, mine)
    names = remote_tags.remotes(root)
    if not names and not remote:
        return Compared(published=known)
    chosen = remote or ("origin" if "origin" in names else names[0] if len(names) == 1 else "")
    if not chosen:
        return Compared("", f"of the remotes {', '.join(names)} none is 'origin': name one with --remote", known)
    try:
        return against(root, remote_tags.look(root, chosen), here=here)
    except MlgitError as error:
        return Compared(chosen, error.message, known)


def against(root: Path, there: There, *, here: Mapping[str, str], patience: float | None = None) -> Compared:
    """The same with a remote that has been asked. Raises MlgitError where its log cannot be had, in `patience` seconds."""
    mine = tags.object_of(root, tags.LOG)
    known = _rows(root, mine)
    side = remote_tags.compare_log(root, there, mine=mine, patience=patience)
    theirs = _rows(root, there.log)
    named = {name for name, _ in known}
    absent = {name for name in there.tags if name not in here and name not in named and grammar.artifact_of(name)}
    found = [*_absent(there, absent), *_other_here(there, here), *_lost_there(there, here, theirs)]
    found += _unlogged(there, here, {name for name, _ in (*theirs, *known)}) if there.log else []
    notes: list[str] = []
    if side == "apart":
        found.append(_apart(there, mine))
    if side == "behind":
        others = [each for each in remote_tags.remotes(root) if each != there.remote]
        ahead = [row for row in known if row not in {*theirs}]
        wrong, said = _behind(there, ahead, has_rest=lambda: any(_has_log(root, each, mine, patience) for each in others))
        found, notes = found + wrong, notes + said
    rows = known if side == "behind" else (*theirs, *(row for row in known if row not in {*theirs}))
    rows = tuple(row for row in rows if row[0] not in absent)  # told already, and as what it is
    notes += _unpublished(there, here, {name for name, _ in rows})
    return Compared(there.remote, "", rows, tuple(found), tuple(notes))


def _rows(root: Path, commit: str) -> Rows:
    return tuple(log.parse(message for _, message in tags.read_log(root, at=commit))) if commit else ()


def _absent(there: There, names: set[str]) -> list[TagFault]:
    """Tags that the remote has, and of which this clone knows nothing."""
    message = (
        f"is on '{there.remote}' and not in this clone: taken away here together with its line in the log, or not fetched yet"
    )
    hint = f"`git fetch --tags {there.remote}`"
    return [TagFault("absent", name, message, hint, grammar.artifact_of(name)) for name in sorted(names)]


def _other_here(there: There, here: Mapping[str, str]) -> list[TagFault]:
    found = []
    for name, oid in there.tags.items():
        if here.get(name, oid) != oid and grammar.artifact_of(name):
            message = f"is {here[name][:10]} here and {oid[:10]} on '{there.remote}'"
            hint = f"one was moved, or yours never published; `git fetch {there.remote} 'refs/tags/{name}'` shows theirs"
            found.append(TagFault("moved", name, message, hint, grammar.artifact_of(name)))
    return found


def _lost_there(there: There, here: Mapping[str, str], theirs: Rows) -> list[TagFault]:
    """Tags that the remote's own log names and the remote does not have."""
    found = []
    for name, oid in integrity.first(theirs).items():
        if name not in there.tags and here.get(name) == oid:
            message = f"is gone from '{there.remote}', and the log there says that it was published"
            found.append(TagFault("deleted", name, message, _push(there), grammar.artifact_of(name)))
    return found


def _unlogged(there: There, here: Mapping[str, str], logged: set[str]) -> list[TagFault]:
    """Published tags that the log does not name, so that they could be taken away unseen."""
    names = [name for name, oid in there.tags.items() if here.get(name) == oid and grammar.artifact_of(name)]
    message = f"is on '{there.remote}' and not in the log there, so that it could be taken away unseen"
    hint = f"`mlgit push --tags-only{'' if there.remote == 'origin' else f' --remote {there.remote}'}` enters it"
    return [TagFault("unlogged", name, message, hint, grammar.artifact_of(name)) for name in names if name not in logged]


def _push(there: There) -> str:
    return (
        f"`mlgit push --tags-only{'' if there.remote == 'origin' else f' --remote {there.remote}'}` sends what is missing there"
    )


def _apart(there: There, mine: str) -> TagFault:
    message = (
        f"it is {mine[:10]} here and {there.log[:10]} on '{there.remote}', and neither continues the other: one was rewritten"
    )
    return TagFault("forked", tags.LOG, message, f"`git log {there.log[:10]}` shows theirs, `git log {tags.LOG}` the one here")


def _behind(there: There, ahead: list[tuple[str, str]], *, has_rest: Callable[[], bool]) -> tuple[list[TagFault], list[str]]:
    """A log that ends before the one here: cut short, unless it was never more, or another remote has the rest."""
    lacking = [name for name, _ in ahead if name not in there.tags]
    if not lacking:
        return [], [f"the log on '{there.remote}' ends before the one here: {_push(there)}"]
    told = f"'{there.remote}' lacks {count(len(lacking), 'tag')} that the log here names as published, such as {lacking[-1]}"
    if not there.log or has_rest():
        return [], [f"{told}: {_push(there)}"]
    message = (
        f"the log on '{there.remote}' ends before the one here, and {count(len(lacking), 'tag')} with it: it was cut short"
    )
    return [TagFault("deleted", each, message, _push(there), grammar.artifact_of(each)) for each in lacking], []


def _has_log(root: Path, remote: str, mine: str, patience: float | None) -> bool:
    try:
        there = remote_tags.look(root, remote, patience=patience)
        return remote_tags.compare_log(root, there, mine=mine, patience=patience) in ("same", "ahead")
    except MlgitError:
        return False


def _unpublished(there: There, here: Mapping[str, str], published: set[str]) -> list[str]:
    kept = [name for name in here if grammar.artifact_of(name) and name not in there.tags and name not in published]
    if not kept:
        return []
    return [f"{count(len(kept), 'tag')} only in this clone so far, such as {kept[-1]}: `mlgit push --tags-only` publishes them"]
