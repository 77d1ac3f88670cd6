"""Learning curves of trials: the tables that DVCLive wrote, wherever they are, and what code logged while the trial ran."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from mlgit.adapters.system import files
from mlgit.errors import MlgitError
from mlgit.experiments import learning_curves
from mlgit.experiments.comparison import TrialRow
from mlgit.experiments.learning_curves import TrialCurve
from mlgit.experiments.runs_of_trials import TrialRuns
from mlgit.experiments.trial import Trial
from mlgit.project import Project
from mlgit.revision.revision import Revision
from mlgit.revision.revisions import Revisions

MOST_TRIALS = 12
_MOST_TABLES = 60
_LARGEST = 8 << 20
_PLACE = "plots/metrics"
_ENDINGS = (".tsv", ".csv")


def curves(project: Project, rows: Sequence[TrialRow]) -> tuple[TrialCurve, ...]:
    """The curves of the first rows that have some."""
    found: list[TrialCurve] = []
    n_trials = 0
    runs = TrialRuns(project.git_root, [row.trial for row in rows if row.trial.name and not row.is_baseline])
    with Revisions(project) as revisions:
        for number, row in enumerate(rows):
            own = [] if row.trial.status in ("queued", "failed") else list(_of_trial(revisions, row.trial, number))
            own += [] if row.is_baseline else list(_logged(runs, row.trial, number, known={each.metric for each in own}))
            n_trials += bool(own)
            found += own
            if n_trials == MOST_TRIALS:
                break
            if number >= 3 * MOST_TRIALS and not found:
                break
    return tuple(found)


def _of_trial(revisions: Revisions, trial: Trial, number: int) -> Iterator[TrialCurve]:
    tables = _of_commit(revisions.commit(trial.commit)) if trial.commit else _of_folder(trial.folder) if trial.folder else ()
    name = trial.name or trial.commit[:7]
    for metric, content in tables:
        with suppress(MlgitError):
            points = learning_curves.parse(files.decode(content, name=metric))
            if len(points) > 1:
                yield TrialCurve(name, number, metric, points)


def _logged(runs: TrialRuns, trial: Trial, number: int, *, known: Collection[str]) -> Iterator[TrialCurve]:
    """The curves that code logged while the trial ran, but for those that DVCLive has."""
    for metric, points in runs.curves(trial).items():
        if len(points) > 1 and metric not in known:
            yield TrialCurve(trial.name, number, metric, points)


def _of_commit(revision: Revision) -> Iterator[tuple[str, bytes]]:
    """Tables by metric."""
    with suppress(MlgitError, RecursionError):
        for folder in _live_folders(revision):
            listed = [path for path in revision.contents.files(f"{folder}/{_PLACE}") if path.endswith(_ENDINGS)]
            for path in sorted(listed)[:_MOST_TABLES]:
                with suppress(MlgitError):
                    content = revision.contents.read(path, most=_LARGEST)
                    if content is not None:
                        yield _metric(path, folder), content


def _live_folders(revision: Revision) -> list[str]:
    """The folders that DVCLive writes: with tables in Git, or recorded as outputs."""
    pipeline = [out.target for stage in revision.pipeline.graph.stages for out in stage.outs]
    tree = getattr(revision.files, "tree", {})
    marked = f"/{_PLACE}"
    inside = [path.partition(f"{marked}/")[0] for path in tree if f"{marked}/" in path and path.endswith(_ENDINGS)]
    outputs = [each.removesuffix(marked) for each in pipeline if each.endswith(marked)]
    outputs += [posixpath.dirname(each) for each in pipeline if posixpath.basename(each) == "plots" and "/" in each]
    return list(dict.fromkeys([*inside, *outputs]))[:4]


def _of_folder(folder: str) -> Iterator[tuple[str, bytes]]:
    """Tables where a trial runs: in folders beside the project's own files."""
    with suppress(OSError):
        for live in sorted(entry.path for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)):
            place = Path(live) / _PLACE
            for path in sorted(place.rglob("*.tsv"))[:_MOST_TABLES] if place.is_dir() else ():
                with suppress(OSError, MlgitError), open(files.open_regular(str(path)), "rb") as stream:
                    yield path.relative_to(place).with_suffix("").as_posix(), stream.read(_LARGEST)


def _metric(path: str, folder: str) -> str:
    return posixpath.splitext(path.removeprefix(f"{folder}/{_PLACE}/"))[0]
