"""A review of a change, put together from everything that reads: `gate`, `diff`, reports and promotions show it."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping

from mlgit.adapters.git import git
from mlgit.compare import baselines, fetching, judging, predictions, reevaluate, starts, tables, wear
from mlgit.compare.columns import DataTable
from mlgit.compare.review import Baseline, Review
from mlgit.compare.scores import Side, Table, asked
from mlgit.compare.snapshot import Note, Point
from mlgit.config import Config, Model
from mlgit.errors import MlgitError
from mlgit.project import Project


def review(
    project: Project,
    *,
    base: str | None = None,
    head: str | None = None,
    into: str | None = None,
    labels: Iterable[str] = (),
    today: datetime.date,
    pull: bool = False,
) -> Review:
    """The verdict on `head` (a revision, default the workspace) beside `base` (default: where it left the default branch).

    `into` is the ref of another branch that the change is to go to: it is where the change left, and its rules judge;
    `labels` are those of the pull request; `today` decides about waivers. With `pull`, what is compared and not in the cache
    is fetched from the DVC remote. Raises MlgitError where nothing can be compared at all.
    """
    return judging.review(case(project, base=base, head=head, into=into, labels=labels, pull=pull), today=today)


def case(
    project: Project,
    *,
    base: str | None,
    head: str | None,
    into: str | None = None,
    labels: Iterable[str] = (),
    pull: bool = False,
) -> judging.Case:
    """Everything that the verdict rests on, read."""
    now = Point() if head is None else starts.point(project.git_root, head, command="gate")
    began = starts.start(project, base=base, head=now, into=into)
    if not began.point.commit:
        raise MlgitError("the workspace cannot be the baseline", "name a revision: `mlgit gate BASE`")
    rules = began.rules or began.point
    before, left, own = (predictions.config_of(project, each) for each in (rules, began.point, now))
    deciding, rules_from, notes = judging.decides(before, own, name=rules.name)
    looked_for = (left or deciding).models or deciding.models
    found = baselines.choose(project, began, deciding.gates.baseline, models=looked_for, head=now)
    notes += _fetched(project, deciding, found, now) if pull else ()
    current = predictions.read(project, now, asked(deciding, own), gates=deciding.gates)
    baseline = _baseline(project, deciding, found) if found else None
    judged = _wear(project, current, now)
    return judging.Case(
        deciding=deciding,
        own=own or Config(),
        left=left,
        rules_from=rules_from,
        current=current,
        baseline=baseline,
        found=found,
        again=again(project, deciding, own or deciding, found.commit if found else "", baseline, current, now, pull=pull),
        judged=judged.judged,
        is_history_cut=judged.is_at_least,
        data=_data(project, deciding, found, now),
        labels=frozenset(labels),
        notes=notes,
    )


def _fetched(project: Project, deciding: Config, found: Baseline | None, now: Point) -> tuple[str, ...]:
    """Bring into the cache what is read of both sides; what did not work, in words."""
    said = []
    for point in (now, *([Point(found.name, found.commit)] if found else [])):
        models = asked(deciding, predictions.config_of(project, point)).values()
        paths = [path for each in models for path in (each.predictions, each.metrics)]
        said.append(fetching.fetch(project, point, [*paths, *_tables(deciding)]))
    return tuple(filter(None, dict.fromkeys(said)))


def _tables(deciding: Config) -> list[str]:
    return list(dict.fromkeys(rule.path for rule in deciding.gates.rules if rule.kind == "data"))


def _baseline(project: Project, deciding: Config, found: Baseline) -> Side:
    point = Point(found.name, found.commit)
    return predictions.read(project, point, asked(deciding, predictions.config_of(project, point)), gates=deciding.gates)


def again(
    project: Project,
    deciding: Config,
    own: Config,
    commit: str,
    baseline: Side | None,
    current: Side,
    now: Point,
    *,
    pull: bool = False,
    run: bool = True,
) -> dict[str, Table | Note]:
    """What the models of a commit say of the current rows, or why they say nothing, where the test data changed.

    Without `run`, what was evaluated before is all that there is.
    """
    made: dict[str, Table | Note] = {}
    for name in judging.to_judge_again(deciding, baseline, current) if commit else []:
        model: Model = own.models.get(name) or current.scored[name].model
        try:
            path = reevaluate.predictions(project, model, baseline=commit, current=now, pull=pull, run=run)
            made[name] = predictions.from_file(path, current.scored[name].model, gates=deciding.gates)
        except MlgitError as error:
            made[name] = Note(error.message, error.hint)
    return made


def _wear(project: Project, current: Side, now: Point) -> wear.Wear:
    if not now.commit and not git.has_commits(project.git_root):
        return wear.Wear({})
    models = {name: each.model for name, each in current.scored.items()}
    head = now.commit or git.resolve(project.git_root, "HEAD")
    return wear.count(project, models, head=head, test={name: each.test for name, each in current.scored.items()})


def _data(
    project: Project, deciding: Config, found: Baseline | None, now: Point
) -> Mapping[str, tuple[DataTable | None, DataTable | None]]:
    paths = _tables(deciding)
    if not paths:
        return {}
    old = tables.read(project, Point(found.name, found.commit), paths) if found else {}
    new = tables.read(project, now, paths)
    return {path: (old.get(path), new.get(path)) for path in paths}
