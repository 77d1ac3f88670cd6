"""The gates of a promotion: a version beside the one that is in the environment now, judged as `mlgit gate` judges a change."""

from __future__ import annotations

import datetime
from collections.abc import Collection
from dataclasses import replace

from mlgit.commands import contract_data, review
from mlgit.config import Config
from mlgit.errors import MlgitError
from mlgit.evaluation import leakage, predictions
from mlgit.evaluation.model_results import MODEL_BYTES, ModelResults, RevisionResults, asked, by_address, test_digest
from mlgit.gate import judge
from mlgit.gate.judge import ReviewInput
from mlgit.gate.rule_result import RuleResult
from mlgit.project import Project
from mlgit.registry import first_version
from mlgit.registry.recorded_metrics import RecordedMetrics
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
    candidate: RecordedMetrics,
    baseline: RecordedMetrics | None,
) -> tuple[RuleResult, ...]:
    """Every rule of the configuration that decides, as it counts for the promotion.

    `before` is the version that is there now. `candidate` and `baseline` are what is recorded of both: it stands in for the
    metrics of a commit whose files are not at hand, or that cannot be read any more.
    """
    names = _names(revisions.project, version.artifact)
    asking = _of_model(config, names)
    now, current = _side(revisions, version, asking, names, candidate, is_measured=True)
    absent = _absent(current)
    current = _numbers_only(current, absent)
    case = ReviewInput(asking, asking, "", current=current, private=review.classified(*([now] if now else [])))
    if before is None or baseline is None:
        found = judge.review(_with_data(case, None, now), today=datetime.date.today()).judged
        return first_version.held(asking, found)
    then, other = _side(revisions, before, asking, names, baseline, is_measured=False)
    absent |= {name for name in _absent(other) if name in current.scored and current.scored[name].model.predictions}
    current, other = _numbers_only(current, absent), _numbers_only(other, absent)
    again = review.reevaluated(asking, now.own_config or asking, then, now, other, current, pull=True) if now and then else {}
    place = Baseline(before.name, before.commit, "named")
    case = replace(
        case,
        current=current,
        baseline=other,
        found=place,
        again=again,
        private=review.classified(*(each for each in (then, now) if each)),
    )
    found = judge.review(_with_data(case, then, now), today=datetime.date.today()).judged
    sets = {"": "", **{each.model.test_set: "" for each in current.scored.values()}}
    for name in sets:
        sets[name] = next((each.version for each in (candidate, baseline) if not each.of_test_set(name).test), "")
    return first_version.of_known_test_data(asking, found, blind={name: told for name, told in sets.items() if told})


def _with_data(case: ReviewInput, then: Revision | None, now: Revision | None) -> ReviewInput:
    """With the tables that rules are about, and, where a limit is declared, the test rows in the training data."""
    if now is None:
        return case
    contracts = contract_data.of_rules(case.deciding, then, now, guards=[then] if then else [])
    case = replace(case, data=review.tables_of_rules(case.deciding, then, now), contracts=contracts)
    if not case.deciding.gates.leakage.is_declared:
        return case
    models = {name: each.model for name, each in case.current.scored.items()}
    return replace(case, leakage=leakage.look(now, models, declared=by_address(case.deciding.models)))


def _names(project: Project, artifact: str) -> frozenset[str]:
    """How mlgit.yaml may call an artifact: by its full name, or as seen from the project."""
    folder, _, name = artifact.rpartition(":")
    inside = f"{folder}/".removeprefix(project.prefix).rstrip("/") if folder else ""
    return frozenset({artifact, f"{inside}:{name}" if inside else name})


def _of_model(config: Config, names: frozenset[str]) -> Config:
    """The rules that are not about another model, and their waivers. All are about the one model there is."""
    kept = tuple(rule._replace(model="") for rule in config.gates.rules if not rule.model or rule.model in names)
    waivers = tuple(each for each in config.gates.waivers if each.rule in {rule.id for rule in kept})
    return replace(config, gates=config.gates._replace(rules=kept, waivers=waivers))


def _side(
    revisions: Revisions,
    version: Version,
    deciding: Config,
    names: frozenset[str],
    known: RecordedMetrics,
    *,
    is_measured: bool,
) -> tuple[Revision | None, RevisionResults]:
    """What a version's commit says of its model, with what is recorded where that says nothing; the
    revision is None where it cannot be read, and `is_measured` what then counts of the metrics: whether a stage made them.
    """
    try:
        revision = revisions.at(RevisionRef(version.name, version.commit))
        models = {name: model for name, model in asked(deciding, revision.own_config).items() if model.name in names}
        found = dict(predictions.read(revision, models, gates=deciding.gates).scored)
    except MlgitError:
        revision, found = None, {}
    if not found:
        model = deciding.model(next((name for name in sorted(names) if name in deciding.models), version.artifact))
        found = {
            name: ModelResults(replace(each, predictions="", files=()), is_measured=is_measured)
            for name, each in by_address({model.name: model}).items()
        }
    scored = {name: _recorded(each, known.of_test_set(each.model.test_set)) for name, each in found.items()}
    return revision, RevisionResults(version.name, scored)


def _recorded(found: ModelResults, known: RecordedMetrics) -> ModelResults:
    """With the recorded metrics where there are none, which were measured when the version was registered."""
    filled = replace(found, test=found.test or test_digest(known.test))
    if found.recorded.keys() - {MODEL_BYTES} and found.table is None:
        return replace(filled, recorded={**known.metrics, **found.recorded})
    if found.recorded.keys() - {MODEL_BYTES} or not known.metrics:
        return filled
    trouble, hint = (found.trouble, found.hint) if found.is_absent else ("", "")
    return replace(filled, recorded={**known.metrics, **found.recorded}, trouble=trouble, hint=hint)


def _absent(side: RevisionResults) -> set[str]:
    """The models, and test sets of theirs, whose predictions are not at hand any more."""
    return {name for name, each in side.scored.items() if each.is_absent}


def _numbers_only(side: RevisionResults, names: Collection[str]) -> RevisionResults:
    """Without the predictions of these, where those of one version are not at hand: what is recorded of both is compared."""
    scored = {
        name: replace(each, table=None, trouble="", hint="", is_absent=False) if name in names else each
        for name, each in side.scored.items()
    }
    return replace(side, scored=scored)
