"""The data that commits record, which has to be in a DVC remote before they are published."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mlgit.errors import MlgitError
from mlgit.pipeline import routes
from mlgit.pipeline.routes import Routes
from mlgit.revision.refs import RevisionRef
from mlgit.revision.revision import Revision
from mlgit.revision.revisions import Revisions


@dataclass(frozen=True, slots=True)
class CommittedData:
    """Objects by md5 with their sizes, where each is recorded (path, commit), the remotes they belong to, and notes."""

    sizes: dict[str, int]
    places: dict[str, tuple[str, str]]
    routes: Routes
    notes: tuple[str, ...]


def of(revisions: Revisions, commits: Iterable[str], *, patient: bool = False) -> CommittedData:
    """What commits record of outputs that DVC pushes. One that cannot be read is noted.

    Raises MlgitError where that is the first, unless it is asked to be `patient`.
    """
    sizes: dict[str, int] = {}
    places: dict[str, tuple[str, str]] = {}
    homes: dict[str, dict[str, None]] = {}
    names: dict[str, None] = {}
    notes: list[str] = []
    wanted = list(commits)
    if wanted:
        revisions.objects.list_alike(wanted[0], wanted[1:], under=revisions.project.prefix)
    for number, commit in enumerate(wanted):
        revision = revisions.at(RevisionRef(commit[:7], commit))
        try:
            rows, unread = _pushed(revision)
            found = routes.of(revision.pipeline.graph, [(path, md5) for path, md5, _ in rows])
        except MlgitError as error:
            if not number and not patient:
                raise
            notes.append(f"the data of {commit[:7]} was not looked for: {error.message}")
            continue
        notes += [f"{path} of {commit[:7]} is recorded as DVC 2 did: `dvc push` sends it" for path in unread]
        names |= dict.fromkeys(found.names)
        for path, md5, size in rows:
            sizes.setdefault(md5, size)
            places.setdefault(md5, (path, commit))
            homes.setdefault(md5, {}).update(dict.fromkeys(found.by_md5.get(md5, ("",))))
    by_md5 = {md5: tuple(found) for md5, found in homes.items()} if names else {}
    return CommittedData(sizes, places, Routes(tuple(names), by_md5), tuple(dict.fromkeys(notes)))


def _pushed(revision: Revision) -> tuple[list[tuple[str, str, int]], list[str]]:
    """Path, md5 and size of what a revision records and DVC pushes; and the paths of what only DVC can read."""
    recorded = revision.recorded
    outs = [(stage, out) for stage in revision.pipeline.graph.stages for out in stage.outs if out.cache and out.push]
    rows = [(out.target, recorded[out.target].md5, recorded[out.target].size) for _, out in outs if out.target in recorded]
    unread = [out.target for stage, out in outs if out.target not in recorded and stage.is_source and "DVC 2" in stage.exotic]
    return rows, unread
