"""Reads the registry from a repository: every tag with its text, by one `git for-each-ref`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mlgit.adapters import git
from mlgit.errors import MlgitError
from mlgit.registry import body, grammar, log
from mlgit.registry.event import Event

_FIELDS = (
    "%(refname:lstrip=2)",
    "%(objecttype)",
    "%(objectname)",
    "%(*objecttype)",
    "%(*objectname)",
    "%(taggername)",
    "%(taggeremail)",
    "%(taggerdate:raw)",
    "%(contents)",
)
_FORMAT = "%00".join(_FIELDS) + "%00"


@dataclass(frozen=True, slots=True)
class Tags:
    """Everything the tags of a repository say about its registry.

    `events` are in no order; `look_alikes` are lightweight tags with a name of the registry, as (artifact, ref); `oids`
    are the object ids of all tags by name.
    """

    events: tuple[Event, ...] = ()
    look_alikes: tuple[tuple[str, str], ...] = ()
    oids: Mapping[str, str] = field(default_factory=dict)


def load(root: Path) -> tuple[Event, ...]:
    """The events of a repository's registry, in no order."""
    return tags(root).events


def tags(root: Path) -> Tags:
    """The registry's tags, read by one process (and one more where tags point at tags)."""
    fields = git.run(root, "for-each-ref", f"--format={_FORMAT}", "refs/tags").text.split("\0")
    events: list[Event] = []
    look_alikes: list[tuple[str, str]] = []
    oids: dict[str, str] = {}
    nested: list[int] = []
    width = len(_FIELDS)
    for place in range(0, len(fields) - width, width):
        ref, kind, oid, target_kind, target, author, email, date, text = fields[place : place + width]
        ref = ref.removeprefix("\n")
        oids[ref] = oid
        name = grammar.parse(ref)
        if name is None:
            continue
        if kind != "tag":
            look_alikes.append((name.artifact, ref))
            continue
        time, _, zone = date.partition(" ")
        if target_kind != "commit":
            nested.append(len(events))
        is_signed = "-----BEGIN " in text and bool(body.split(text)[1])
        when = int(time) if time.isdigit() else 0
        events.append(Event(name, ref, oid, target, when, author, email.strip("<>"), text, target, zone, is_signed))
    for place, commit in zip(nested, _peeled(root, [events[place].oid for place in nested]), strict=True):
        events[place] = events[place]._replace(commit=commit)
    return Tags(tuple(event for event in events if event.commit), tuple(look_alikes), oids)


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
    """Whether the clone has all commits (false for a shallow one)."""
    return git.line(root, "rev-parse", "--is-shallow-repository") == "false"


def root_of(folder: Path) -> Path:
    """The top of the Git repository that holds a folder.

    Raises MlgitError outside of one.
    """
    found = git.toplevel(folder)
    if found is None:
        raise MlgitError(f"{folder}: not inside a Git repository", "the registry is kept in a repository's tags")
    return found
