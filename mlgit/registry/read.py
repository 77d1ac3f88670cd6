"""Reads the registry from a repository: every tag with its text, by two processes however many there are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from mlgit.adapters.git import git
from mlgit.adapters.system.process import Completed
from mlgit.errors import MlgitError
from mlgit.registry import grammar, integrity, log, state, tag_message
from mlgit.registry.event import Event, TagName
from mlgit.registry.integrity import TagFault
from mlgit.registry.state import Artifact

_HEADER = re.compile(
    r"object (?P<target>[0-9a-f]+)\ntype (?P<kind>\w+)\ntag (?P<tag>[^\n]*)\n"
    r"(?:tagger (?P<author>[^\n<]*)<(?P<email>[^\n>]*)> (?P<time>\d{1,18}) (?P<zone>[+-]\d{4})\n)?(?:[^\n]+\n)*\n?",
    re.ASCII,
)


_NONE: Mapping[str, str] = {}
_NO_EVENTS: Mapping[str, Event] = {}

Asked = Callable[[], Completed]


class Tags(NamedTuple):
    """Everything the tags of a repository say about its registry.

    `events` are in no order; `faults` are tags with a name of the registry that count for nothing; `oids` are the object
    ids of all tags by name.
    """

    events: tuple[Event, ...] = ()
    faults: tuple[TagFault, ...] = ()
    oids: Mapping[str, str] = _NONE


def load(root: Path) -> tuple[Event, ...]:
    """The events of a repository's registry, in no order."""
    return tags(root).events


def tags(root: Path, *, asked: Asked | None = None, known: Mapping[str, Event] = _NO_EVENTS) -> Tags:
    """The registry's tags, by one process for their names and one for their texts.

    `asked` is what `git.ask_for_tags` gave earlier. Tags that are `known` by name and object id are not read again.
    """
    rows = (asked or git.ask_for_tags(root))().text.splitlines()
    oids = {ref: oid for oid, _, ref in (row.partition(" ") for row in rows)}
    events = [event for ref, oid in oids.items() if (event := known.get(ref)) and event.oid == oid]
    seen = {event.ref for event in events}
    named = [(ref, oid, name) for ref, oid in oids.items() if ref not in seen and (name := grammar.parse(ref))]
    found, faults = _parsed(root, named)
    return Tags((*events, *found), tuple(faults), oids)


def as_published(root: Path, artifact: Artifact, rows: Iterable[tuple[str, str]]) -> tuple[Artifact, list[str]]:
    """The artifact with the tags that were taken away or moved since, and those of them whose object this clone has not.

    `rows` are those of the log; where it is silent, the tags that came after tell what was there. An object is found by its
    hash, so it is what was there, and is judged as if it still were.
    """
    there = {event.ref: event.oid for event in artifact.events}
    wanted = integrity.first(row for row in rows if grammar.artifact_of(row[0]) == artifact.name)
    links = integrity.first(event.previous for event in artifact.events if event.previous)
    wanted |= {ref: oid for ref, oid in links.items() if ref not in wanted and ref not in there}
    named = [(ref, oid, name) for ref, oid in wanted.items() if there.get(ref) != oid and (name := grammar.parse(ref))]
    named = [row for row in named if row[2].artifact == artifact.name]
    found, _ = _parsed(root, named) if named else ([], [])
    if not found:
        return artifact, [ref for ref, _, _ in named]
    kept = {event.ref: event for event in (*artifact.events, *found)}
    read = {event.ref for event in found}
    return state.fold(kept.values()).artifact(artifact.name), [ref for ref, _, _ in named if ref not in read]


def _parsed(root: Path, named: Sequence[tuple[str, str, TagName]]) -> tuple[list[Event], list[TagFault]]:
    """The events in the tag objects of names and ids, and those that count for nothing."""
    objects = git.read_objects(root, [oid for _, oid, _ in named])
    faults: list[TagFault] = []
    events: list[Event] = []
    nested: list[Event] = []
    for ref, oid, name in named:
        kind, content = objects.get(oid, ("", b""))
        text = content.decode(errors="replace") if kind == "tag" else ""
        header = _HEADER.match(text)
        if header is None or header["tag"] != ref or header["time"] is None:
            faults.append(_fault(ref, name, kind, header))
            continue
        event = _event(name, ref, oid, header, text)
        (events if header["kind"] == "commit" else nested).append(event)
    for event, commit in zip(nested, _peeled(root, [event.oid for event in nested]), strict=True):
        if commit:
            events.append(event._replace(commit=commit))
        else:
            faults.append(_astray(event))
    return events, faults


def _astray(event: Event) -> TagFault:
    return integrity.useless("astray", event.ref, event.name.artifact, "it points at something that is not a commit")


def _event(name: TagName, ref: str, oid: str, header: re.Match[str], content: str) -> Event:
    text = content[header.end() :]
    target, author, email, time, zone = header.group("target", "author", "email", "time", "zone")
    is_signed = "-----BEGIN " in text and bool(tag_message.split(text)[1])
    return Event(name, ref, oid, target, int(time), author.rstrip(" "), email, text, target, zone, is_signed)


def _fault(ref: str, name: TagName, kind: str, header: re.Match[str] | None) -> TagFault:
    if not kind:
        hint = "`git fetch --tags`, or restore the repository"
        return integrity.useless("missing", ref, name.artifact, "its object is missing from this repository", hint)
    if kind != "tag":
        why = "a lightweight tag: it looks like the registry's, without text, author and time"
        return integrity.useless("lightweight", ref, name.artifact, why)
    if header is None or header["time"] is None:
        return integrity.useless("anonymous", ref, name.artifact, "it does not say who wrote it and when")
    other = header["tag"]
    return integrity.useless("renamed", ref, name.artifact, f"it is the tag object of '{other}' under another name")


def _peeled(root: Path, oids: list[str]) -> list[str]:
    """The commits that tags of tags lead to, '' for one that leads to something else."""
    if not oids:
        return []
    rows = git.run(root, "cat-file", "--batch-check", stdin="".join(f"{oid}^{{commit}}\n" for oid in oids).encode())
    found = [line.split() for line in rows.text.splitlines()]
    return [row[0] if len(row) == 3 and row[1] == "commit" else "" for row in found]


def published(root: Path) -> list[tuple[str, str]]:
    """What the log of published events names, oldest first; empty without a log."""
    done = git.run(root, "log", "--reverse", "--format=%B%x00", log.REF, "--", check=False)
    return log.parse(done.text.split("\0")) if done.code == 0 else []


def is_complete(root: Path) -> bool:
    """Whether the clone has all commits (false for a shallow one); a plain clone is asked without starting a process."""
    if git.is_bare(root):
        return not (root / "shallow").exists()
    for folder in (root, *root.parents):
        if (folder / ".git").is_dir():
            return not (folder / ".git" / "shallow").exists()
        if (folder / ".git").exists():  # a linked working tree, or a submodule
            break
    return git.line(root, "rev-parse", "--is-shallow-repository") == "false"


def root_of(folder: Path) -> Path:
    """The top of the Git repository that holds a folder; a bare one has no files, and its registry is read all the same.

    Raises MlgitError outside of one.
    """
    found = git.repository(folder)
    if found is None:
        raise MlgitError(f"{folder}: not inside a Git repository", "the registry is kept in a repository's tags")
    return found
