"""How complete a card is: every field of a profile, who fills it, and whether it is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mlgit.cards import review
from mlgit.cards.catalogue import TOPICS
from mlgit.cards.material import Material

By = Literal["mlgit", "people"]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a profile; `annex` is the point of Annex IV it answers, `where` what to edit when it is not there."""

    name: str
    annex: str
    by: By
    state: str
    where: str = ""


def fields(material: Material, *, profile: review.Profile) -> tuple[Field, ...]:
    """The completeness table of a profile, in the order of the card."""
    facts = material.facts
    file = material.model.card.notes
    found = {
        gap.key: gap
        for gap in review.gaps(facts, material.notes, profile=profile, file=file, is_measured=bool(material.values))
    }
    rows = [_automatic(*row) for row in _measured(material) if profile == "annex-iv" or row[0] in _IN_HF]
    rows += [_by_people(key, annex, found.get(key)) for key, annex in _KEYS.items()]
    if profile == "hf":
        rows += [_optional(key, "–", bool(getattr(material.notes, key)), f"{file}: {key}") for key in _OPTIONAL]
    for topic in TOPICS:
        if topic in review.topics(profile):
            rows.append(_by_people(topic.key, topic.annex, found.get(topic.key)))
        elif profile == "hf" and topic.hf == "optional":
            where = f"{file}: sections.{topic.key}.text"
            rows.append(_optional(topic.key, topic.annex, topic.key in material.notes.sections, where))
    return tuple(rows)


_KEYS = {"license": "–", "library_name": "1(c)", "pipeline_tag": "2(b)", "owners": "1(a)", "contact": "1(a)"}
# What Hugging Face's template has a place for, and what a card may do without.
_OPTIONAL = ("repository", "paper", "demo", "authors", "citation")
_IN_HF = {"model file", "training data", "test data", "metrics"}


def _measured(material: Material) -> list[tuple[str, str, bool, str]]:
    facts, evaluation, name = material.facts, material.evaluation, material.facts.artifact
    declare = f"mlgit.yaml: models.{name}"
    has_intervals = any(each.low is not None for each in material.values)
    return [
        ("model file", "1(a)", bool(facts.model.md5), "`mlgit run` makes it"),
        ("digest of the model file", "1(a)", bool(facts.model.sha256), "`dvc pull` brings the bytes"),
        ("training data", "2(d)", bool(facts.with_role("train")), f"{declare}: add `train: [PATH]`"),
        ("test data", "2(g)", bool(facts.with_role("test")), f"{declare}: add `test: [PATH]`"),
        ("training procedure", "2(a)", bool(facts.steps), "declare the stages in dvc.yaml"),
        ("parameters", "2(b)", bool(facts.params), "declare `params:` in dvc.yaml"),
        ("environment", "1(c)", bool(facts.environment), "add a requirements.txt with exact versions"),
        ("metrics", "2(g), 3", bool(facts.metrics or material.values), f"{declare}: add `metrics: PATH`"),
        ("intervals", "2(g), 3", has_intervals, f"{declare}: add `predictions: PATH`"),
        ("slices", "2(g), 3", bool(evaluation.slices), f"{declare}: add `slices: [COLUMN]`"),
        ("changes", "1(a), 6", True, ""),
    ]


def _automatic(name: str, annex: str, is_there: bool, where: str) -> Field:
    return Field(name, annex, "mlgit", "filled" if is_there else "missing", "" if is_there else where)


def _by_people(name: str, annex: str, gap: review.CardGap | None) -> Field:
    return Field(name, annex, "people", gap.state if gap else "filled", gap.where if gap else "")


def _optional(name: str, annex: str, is_there: bool, where: str) -> Field:
    return Field(
        name, annex, "people", "filled" if is_there else "not stated", "" if is_there else f"{where} (may be left out)"
    )
