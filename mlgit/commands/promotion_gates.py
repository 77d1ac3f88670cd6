"""The gates of a promotion: a version beside the one that is in the environment now, judged as `mlgit gate` judges a change."""

from __future__ import annotations

import datetime
from dataclasses import replace

from mlgit.commands import review
from mlgit.config import Config
from mlgit.errors import MlgitError
from mlgit.evaluation import metric_evidence, predictions
from mlgit.evaluation.model_results import RevisionResults, asked
from mlgit.gate import judge, rule_verdicts
from mlgit.gate.judge import ReviewInput
from mlgit.project import Project
from mlgit.registry import rules, verdict
from mlgit.registry.rules import Evaluation, Judged
from mlgit.registry.state import Version
from mlgit.revision.refs import Baseline, RevisionRef
from mlgit.revision.revision import Revision
from mlgit.revision.revisions import Revisions


def judged(
    revisions: Revisions,
    version: Version,
    before: Version | None,
    config: Config,
    *,
    candidate: Evaluation,
    baseline: Evaluation | None,
) -> tuple[Judged, ...]:
    """Every rule of the configuration that decides, as it counts for the promotion.

    `before` is the version that is there now. `candidate` and `baseline` are what is recorded of both: they are compared where
    rows are not, and all that there is where a commit cannot be read any more.
    """
    names = _names(revisions.project, version.artifact)
    asking = _of_model(config, names)
    try:
        case = _case(revisions, version, before, asking, names)
    except MlgitError:
        return rules.judge(asking, candidate=candidate, baseline=baseline)
    found = judge.review(case, today=datetime.date.today()).judged
    return verdict.settle(asking, found, candidate=candidate, baseline=baseline, by_rows=_by_rows(case, asking))


def _names(project: Project, artifact: str) -> frozenset[str]:
    """How mlgit.yaml may call an artifact: by its full name, or as seen from the project."""
    folder, _, name = artifact.rpartition(":")
    inside = f"{folder}/".removeprefix(project.prefix).rstrip("/") if folder else ""
    return frozenset({artifact, f"{inside}:{name}" if inside else name})


def _of_model(config: Config, names: frozenset[str]) -> Config:
    """The rules that are not about another model, and their waivers."""
    kept = tuple(rule for rule in config.gates.rules if not rule.model or rule.model in names)
    waivers = tuple(each for each in config.gates.waivers if each.rule in {rule.id for rule in kept})
    return replace(config, gates=config.gates._replace(rules=kept, waivers=waivers))


def _case(
    revisions: Revisions, version: Version, before: Version | None, deciding: Config, names: frozenset[str]
) -> ReviewInput:
    now = revisions.at(RevisionRef(version.name, version.commit))
    current = _results(now, deciding, names)
    if before is None:
        return ReviewInput(deciding, deciding, "", current=current, data=review.tables_of_rules(deciding, None, now))
    then = revisions.at(RevisionRef(before.name, before.commit))
    baseline = _results(then, deciding, names)
    again = review.reevaluated(deciding, now.own_config or deciding, then, now, baseline, current, pull=True)
    found = Baseline(before.name, before.commit, "named")
    data = review.tables_of_rules(deciding, then, now)
    return ReviewInput(deciding, deciding, "", current=current, baseline=baseline, found=found, again=again, data=data)


def _results(revision: Revision, deciding: Config, names: frozenset[str]) -> RevisionResults:
    models = {name: model for name, model in asked(deciding, revision.own_config).items() if name in names}
    return predictions.read(revision, models, gates=deciding.gates)


def _by_rows(case: ReviewInput, config: Config) -> frozenset[str]:
    """The rules about metrics that the rows of both versions give: no recorded number stands in for them."""
    models = list(judge.joined(case).values())
    void = [each for each in models if each.is_void and each.current.stale]
    rows = [
        each for each in models if each.current.table is not None and (not each.baseline or each.baseline.table is not None)
    ]
    return frozenset(
        rule.id
        for rule in rule_verdicts.applicable(config.gates, labels=())
        if void or any(metric_evidence.computable(each, rule.metric) for each in rows)
    )
