"""Objects of the registry that Git shows as others here: `git replace` and grafts. mlgit reads past both; others do not."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from mlgit.adapters.git import git
from mlgit.registry import log
from mlgit.registry.grammar import APPROVALS
from mlgit.registry.integrity import TagFault
from mlgit.registry.state import Artifact

_SPACE = "refs/replace/"
_NOTHING: Mapping[str, str] = {}


class Substitutes(NamedTuple):
    """What stands for what: object ids that a ref below refs/replace/ names, with what is shown instead, and commits that
    a graft gives other parents."""

    replaced: Mapping[str, str] = _NOTHING
    grafted: frozenset[str] = frozenset()


def look(root: Path) -> Substitutes:
    """Everything that is replaced or grafted in a repository."""
    rows = git.run(root, "for-each-ref", "--format=%(objectname) %(refname)", _SPACE).text.splitlines()
    replaced = {ref.removeprefix(_SPACE): oid for oid, _, ref in (row.partition(" ") for row in rows)}
    # the file that Git reads: `git rev-parse --git-path info/grafts` would name the one of mlgit's own environment
    folder = Path(git.line(root, "rev-parse", "--path-format=absolute", "--git-common-dir"))
    text = ""
    with suppress(OSError):
        text = (folder / "info" / "grafts").read_text(errors="replace")
    grafted = {line.split()[0] for line in text.splitlines() if line.strip() and not line.startswith("#")}
    return Substitutes(replaced, frozenset(grafted))


def findings(root: Path, artifact: Artifact, found: Substitutes, *, tags: Mapping[str, str]) -> list[TagFault]:
    """The substitutes that touch an artifact: its tags and approvals, their commits, and everything in those.

    `tags` are the ids of all tags by name. What else is replaced is none of the registry's: `git replace` has honest uses.
    """
    if not found.replaced and not found.grafted:
        return []
    parts = _parts(root, artifact, tags)
    wrong = []
    for oid, other in found.replaced.items():
        if oid in parts:
            message = f"{parts[oid]} is shown by Git as another object ({other[:10]}); mlgit reads the true one"
            hint = f"`git replace -d {oid}` takes that away; `git --no-replace-objects show {oid}` shows the true one"
            wrong.append(TagFault("replaced", f"{_SPACE}{oid}", message, hint, artifact.name))
    for oid in sorted(found.grafted & parts.keys()):
        message = f"{parts[oid]} has other parents by .git/info/grafts; mlgit reads the true ones"
        wrong.append(TagFault("replaced", oid, message, "take its line out of .git/info/grafts", artifact.name))
    return wrong


def _parts(root: Path, artifact: Artifact, tags: Mapping[str, str]) -> dict[str, str]:
    """What each object of an artifact is, by id."""
    commits = list(dict.fromkeys(event.commit for event in artifact.events))
    listed = "".join(f"{oid}\n" for oid in commits).encode()
    done = git.run(root, "rev-list", "--objects", "--no-walk", "--stdin", stdin=listed, check=False) if commits else None
    rows = done.text.splitlines() if done and done.code == 0 else commits
    parts = {
        oid: f"{path or 'the content'} in a commit of {artifact.name}" for oid, _, path in (r.partition(" ") for r in rows)
    }
    parts |= {event.commit: f"the commit of {event.ref}" for event in reversed(artifact.events)}
    done = git.run(root, "rev-list", log.REF, "--", check=False)
    parts |= dict.fromkeys(done.text.split() if done.code == 0 else (), f"a commit of {log.REF}")
    folder = f"{APPROVALS}{artifact.name.replace(':', '=')}/"
    parts |= {oid: f"the tag {ref}" for ref, oid in tags.items() if ref.startswith(folder)}
    parts |= {event.target: f"what {event.ref} points at" for event in artifact.events if event.target != event.commit}
    return parts | {event.oid: f"the tag {event.ref}" for event in artifact.events}
