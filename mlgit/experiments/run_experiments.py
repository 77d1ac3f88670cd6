"""Experiments that runs logged from code stand under: names with tags, one ref each."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from mlgit.errors import MlgitError
from mlgit.experiments import run_codec
from mlgit.experiments.record_refs import KindOfRecord, RecordRefs, Repository, retried
from mlgit.experiments.run import (
    DEFAULT_ID,
    DEFAULT_NAME,
    EXPERIMENTS,
    ApiExperiment,
    DeletedRecordError,
    ExistingRecordError,
    MissingRecordError,
    experiment_id_of,
    is_experiment_id,
)

_DEFAULT = ApiExperiment(DEFAULT_ID, DEFAULT_NAME)
_KIND = KindOfRecord(
    EXPERIMENTS,
    run_codec.EXPERIMENT_FILE,
    "experiment",
    is_experiment_id,
    lambda content, where, commit: run_codec.decode_experiment(content, where=where, commit=commit),
)


class RunExperiments:
    """The experiments of one repository. Default is always there."""

    def __init__(self, repository: Repository) -> None:
        self._refs = RecordRefs(repository, _KIND)

    def all(self) -> list[ApiExperiment]:
        """All experiments, deleted ones too; in no order."""
        return list(({DEFAULT_ID: _DEFAULT} | self._refs.all()).values())

    def get(self, experiment_id: str) -> ApiExperiment:
        """The experiment with this id, deleted or not. Raises MissingRecordError for none."""
        found = self._refs.find(experiment_id)
        if found is None and experiment_id == DEFAULT_ID:
            return _DEFAULT
        if found is None:
            raise MissingRecordError(f"there is no experiment '{experiment_id}' here", "`mlgit pull` brings those of others")
        return found

    def named(self, name: str) -> ApiExperiment | None:
        """The experiment of this name, deleted or not; None for none."""
        first = self._refs.find(experiment_id_of(name)) or (_DEFAULT if name == DEFAULT_NAME else None)
        if first is not None and first.name == name:
            return first
        return next((each for each in self.all() if each.name == name), None)

    def create(self, name: str, *, tags: Mapping[str, str] | None = None, when: int | None = None) -> ApiExperiment:
        """A new experiment. Raises ExistingRecordError where one, perhaps a deleted one, is called so."""
        if not name.strip():
            raise MlgitError("an experiment needs a name", "give one")
        there = self.named(name)
        if there is not None:
            told = ", and was deleted" if there.deleted is not None else ""
            raise ExistingRecordError(
                f"the experiment '{name}' is there{told}", "take it or restore it, or choose another name"
            )
        made = _now() if when is None else when
        number = 1
        while self._refs.find(chosen := experiment_id_of(name, number=number)) is not None:
            number += 1
        each = ApiExperiment(chosen, name, dict(tags or {}), created=made, updated=made)
        self._refs.write(each.id, content=run_codec.encode_experiment(each), upon="", message=f"Begin {name}", when=made)
        return self.get(each.id)

    def named_or_new(self, name: str) -> ApiExperiment:
        """The experiment of this name, made where there is none."""
        try:
            return self.named(name) or self.create(name)
        except ExistingRecordError:
            return self.named_or_new(name)

    def rename(self, experiment_id: str, *, name: str) -> None:
        """Give an experiment another name; its id stays. Raises ExistingRecordError where the name is taken."""
        other = self.named(name)
        if other is not None and other.id != experiment_id:
            raise ExistingRecordError(f"the experiment '{name}' is there", "choose another name")
        self._change(experiment_id, lambda each: replace(each, name=name), what=f"Rename to {name}")

    def delete(self, experiment_id: str) -> None:
        """Mark an experiment as deleted; its runs stay as they are."""
        self._change(experiment_id, lambda each: replace(each, deleted=_now()), what="Delete")

    def restore(self, experiment_id: str) -> None:
        """Take back that an experiment was deleted."""
        self._change(experiment_id, lambda each: replace(each, deleted=None), what="Restore", also_deleted=True)

    def set_tag(self, experiment_id: str, *, key: str, value: str) -> None:
        """Set a tag of an experiment."""
        self._change(experiment_id, lambda each: replace(each, tags={**each.tags, key: value}), what=f"Set {key}")

    def delete_tag(self, experiment_id: str, *, key: str) -> bool:
        """Take a tag away; whether there was one."""
        if key not in self.get(experiment_id).tags:
            return False
        self._change(experiment_id, lambda each: replace(each, tags=_without(each.tags, key)), what=f"Take away {key}")
        return True

    def _change(
        self,
        experiment_id: str,
        change: Callable[[ApiExperiment], ApiExperiment],
        *,
        what: str,
        also_deleted: bool = False,
    ) -> None:
        def write() -> None:
            before = self.get(experiment_id)
            if before.deleted is not None and not also_deleted:
                raise DeletedRecordError(f"the experiment '{before.name}' was deleted", "restore it first")
            when = _now()
            content = run_codec.encode_experiment(replace(change(before), updated=when))
            self._refs.write(experiment_id, content=content, upon=before.commit, message=what, when=when)

        retried(write)


def _without(tags: Mapping[str, str], key: str) -> dict[str, str]:
    return {name: value for name, value in tags.items() if name != key}


def _now() -> int:
    return time.time_ns() // 1_000_000
