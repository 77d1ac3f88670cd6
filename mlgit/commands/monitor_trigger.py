"""Says whether models in production are to be trained anew, by the triggers of mlgit.yaml or because a person asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlgit import errors
from mlgit import project as projects
from mlgit.adapters.forge.ci_env import CiJob
from mlgit.adapters.forge.http import HttpError
from mlgit.commands import retrain_state
from mlgit.commands.clients import ConnectedForge, ForgeAccess
from mlgit.commands.retrain_state import RetrainPulls
from mlgit.errors import MlgitError
from mlgit.monitoring.triggers import RetrainDecision
from mlgit.revision.revisions import Revisions

_NOT_ASKED = "the forge was not asked for pull requests: it is not known, or there is no token"


@dataclass(frozen=True, slots=True)
class TriggeredModel:
    """What was decided about the version of a model that is in an environment; `pull` is the open pull request, 0 for none."""

    model: str
    environment: str
    version: str
    decision: RetrainDecision
    pull: int = 0

    def document(self) -> dict[str, Any]:
        """The answer as JSON."""
        return {
            "model": self.model,
            "environment": self.environment,
            "version": self.version,
            **self.decision.document(),
            "pull_request": self.pull or None,
        }


@dataclass(frozen=True, slots=True)
class TriggerResult:
    """The answer for every model that was asked about."""

    models: tuple[TriggeredModel, ...]
    notes: tuple[str, ...] = ()

    @property
    def is_due(self) -> bool | None:
        """Whether any model is to be trained anew; None where none is known to be, and of one it could not be told."""
        found = {each.decision.is_due for each in self.models}
        return True if True in found else None if None in found else False

    @property
    def exit_code(self) -> int:
        """Yes where a retraining is due."""
        codes = {True: errors.EXIT_YES, False: errors.EXIT_NO, None: errors.EXIT_CANNOT_ANSWER}
        return codes[self.is_due]

    def document(self) -> dict[str, Any]:
        """The answer as JSON: schema 1."""
        return {
            "schema": 1,
            "due": self.is_due,
            "models": [each.document() for each in self.models],
            "notes": list(self.notes),
        }


def trigger(
    name: str = "", *, job: CiJob, reason: str = "", kind: str | None = None, api: str = "", repository: str = ""
) -> TriggerResult:
    """Whether a model (NAME or NAME#ENVIRONMENT; default: all that have triggers) is to be trained anew.

    `reason` is that of a person who asks for it. The forge that the job or the other arguments name is asked for pull
    requests that are open, or that people closed; where none is known, that is told.
    Raises MlgitError where no trigger is declared, or no version is in production.
    """
    if reason and not name:
        raise MlgitError("a reason is about one model", "name it: `mlgit monitor trigger NAME --reason TEXT`")
    is_named = bool(kind or repository)
    forge = ForgeAccess(job, kind, api, repository).connect(is_needed=is_named)
    with Revisions(retrain_state.project_of(name) if name else projects.find()) as revisions:
        notes = () if forge else (_NOT_ASKED,)
        if name:
            return TriggerResult((_decided(revisions, name, forge, reason=reason),), notes)
        return _of_all(revisions, forge, notes)


def _of_all(revisions: Revisions, forge: ConnectedForge | None, notes: tuple[str, ...]) -> TriggerResult:
    """Of every model with triggers. One that was not released yet keeps no other from its answer."""
    found, failed = [], []
    for each in retrain_state.with_triggers(revisions):
        try:
            found.append(_decided(revisions, each, forge, reason=""))
        except HttpError:
            raise
        except MlgitError as error:
            failed.append(error)
    if not found:
        hint = "add `monitoring: {NAME: {triggers: {drift: page}}}`"
        raise failed[0] if failed else MlgitError("mlgit.yaml declares no triggers", hint)
    return TriggerResult(tuple(found), (*notes, *(each.message for each in failed)))


def _decided(revisions: Revisions, name: str, forge: ConnectedForge | None, *, reason: str) -> TriggeredModel:
    model = retrain_state.in_production(revisions, name)
    if not model.settings.triggers.are_declared and not reason:
        raise MlgitError(
            f"mlgit.yaml of {model.deciding.name}: {model.name} has no triggers",
            f"add them below `monitoring: {{{model.name.rpartition(':')[2]}: ...}}`, or say why: `--reason TEXT`",
        )
    pulls = retrain_state.pulls(forge, model) if forge else RetrainPulls()
    decision = retrain_state.decide(revisions, model, retrain_state.windows(revisions, model), pulls, reason=reason)
    return TriggeredModel(model.name, model.environment, model.version.name, decision, pulls.open.number if pulls.open else 0)
