"""Writes model cards, says what is stale or missing in them, and makes a page of all models."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mlgit import errors
from mlgit import project as projects
from mlgit.adapters.system import files
from mlgit.cards import index as pages
from mlgit.cards import profiles, write
from mlgit.cards.review import Profile
from mlgit.commands.card import Examination, examine, judged_by, model_named
from mlgit.commands.model.list_models import ModelList, list_models
from mlgit.config import Config
from mlgit.errors import MlgitError
from mlgit.registry import read, state
from mlgit.revision.revisions import Revisions

PROFILES: tuple[Profile, ...] = ("hf", "annex-iv")


@dataclass(frozen=True, slots=True)
class WrittenCard:
    """A card as it has to be, and the files that were written for it (or would be)."""

    examined: Examination
    written: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CardBuild:
    """The cards that were built, or with `dry_run` would be."""

    cards: tuple[WrittenCard, ...]
    dry_run: bool = False

    def document(self) -> dict[str, Any]:
        """The result as JSON: schema 1."""
        cards = [{**_row(each.examined), "written": list(each.written)} for each in self.cards]
        return {"schema": 1, "dry_run": self.dry_run, "cards": cards}


@dataclass(frozen=True, slots=True)
class CardCheck:
    """How cards stand; judged by a profile where one was asked for."""

    cards: tuple[Examination, ...]
    profile: Profile | None = None

    @property
    def is_good(self) -> bool:
        """Whether every card is the one of today and lacks nothing."""
        return all(each.is_complete for each in self.cards)

    @property
    def exit_code(self) -> int:
        """Yes where every card is good."""
        return errors.EXIT_YES if self.is_good else errors.EXIT_NO

    def fields(self, examined: Examination) -> tuple[profiles.Field, ...]:
        """Every field of the profile that was asked for, and who fills it."""
        return profiles.fields(examined.material, profile=self.profile) if self.profile else ()

    def document(self) -> dict[str, Any]:
        """The answer as JSON: schema 1."""
        cards = [{**_row(each), **self._profile_row(each)} for each in self.cards]
        return {"schema": 1, "good": self.is_good, "cards": cards}

    def _profile_row(self, examined: Examination) -> dict[str, Any]:
        if self.profile is None:
            return {}
        return {"profile": self.profile, "fields": [asdict(each) for each in self.fields(examined)]}


def _row(examined: Examination) -> dict[str, Any]:
    gaps = [{"key": gap.key, "state": gap.state, "message": gap.message, "where": gap.where} for gap in examined.gaps]
    return {
        "name": examined.material.facts.artifact,
        "path": examined.card.path,
        "profile": examined.material.model.card.profile,
        "exists": examined.is_there,
        "fresh": examined.is_fresh,
        "complete": examined.is_complete,
        "differing": list(examined.differing),
        "changed": list(examined.changed),
        "gaps": gaps,
    }


def build_cards(name: str | None = None, *, reviewed: Sequence[str] = (), dry_run: bool = False) -> CardBuild:
    """Write the card of a model, or of every model in mlgit.yaml, with its plots.

    Sections that are `reviewed` (or `all`) are marked as read by a person for the training data of today.
    """
    rows = []
    with Revisions(projects.find()) as revisions:
        project = revisions.project
        for each in _names(projects.load_config(project), name):
            examined = examine(revisions, each, anew=True)
            if reviewed and not dry_run:
                write.stamp(project, examined.material.facts, model=examined.material.model, sections=tuple(reviewed))
                revisions.reopen_workspace()
                examined = examine(revisions, each, anew=True)
            changed = examined.differing if dry_run else write.write(project, examined.card, examined.found)
            rows.append(WrittenCard(examined, tuple(changed)))
    return CardBuild(tuple(rows), dry_run)


def check_cards(name: str | None = None, *, profile: Profile | None = None) -> CardCheck:
    """Make the card of a model, or of every model, in memory, and compare it byte by byte with the one that is there.

    Raises MlgitError where it cannot be made, for example because stages are stale.
    """
    with Revisions(projects.find()) as revisions:
        names = _names(projects.load_config(revisions.project), name)
        found = [examine(revisions, each) for each in names]
    return CardCheck(tuple(judged_by(each, profile) for each in found) if profile else tuple(found), profile)


@dataclass(frozen=True, slots=True)
class ModelIndex:
    """Every model of the registry, and the paths of the cards that are there."""

    models: ModelList
    cards: Mapping[str, str]

    def document(self) -> dict[str, Any]:
        """The answer as JSON: schema 1."""
        rows = [{**row, "card": self.cards.get(row["name"])} for row in self.models.document()["models"]]
        return {"schema": 1, "models": rows}


def models_index() -> ModelIndex:
    """What the page of all models is made from."""
    project = projects.find()
    config, models = projects.load_config(project), list_models()
    cards = {each.name: model_named(config, each.name, prefix=project.prefix).card.out for each in models.artifacts}
    return ModelIndex(models, {name: path for name, path in cards.items() if (project.root / path).is_file()})


def models_page(place: Path | str = "index.md") -> str:
    """A Markdown page of all models: environments, versions and metrics; its links to cards hold from `place`."""
    project = projects.find()
    config = projects.load_config(project)
    tags = read.tags(project.git_root)
    artifacts = tuple(state.fold(tags.events, faults=tags.faults).artifacts.values())
    at = Path(os.path.abspath(place)).as_posix()
    cards = {}
    for artifact in artifacts:
        path = project.root / model_named(config, artifact.name, prefix=project.prefix).card.out
        if path.is_file():
            cards[artifact.name] = pages.relative(path.as_posix(), at)
    names = [each.name for each in config.environments]
    metrics = [rule.metric for rule in config.gates.rules if rule.metric]
    return pages.page(artifacts, cards=cards, environments=names, metrics=metrics)


def write_models_page(place: Path | str) -> None:
    """Write the page of all models into a file."""
    files.write_atomic(Path(os.path.abspath(place)), models_page(place))


def _names(config: Config, name: str | None) -> list[str]:
    if name:
        return [name]
    if not config.models:
        raise MlgitError("mlgit.yaml: models: no model is declared", "add `models: {NAME: {metrics: PATH, train: [PATH]}}`")
    return list(config.models)
