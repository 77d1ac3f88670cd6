"""What a card lacks: sections that nobody wrote, that are placeholders, or that were read for other data."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from mlgit.cards.catalogue import TOPICS, Topic
from mlgit.cards.notes import Notes, NotesSection, is_placeholder
from mlgit.errors import MlgitError
from mlgit.registry.facts import DataFile, Facts
from mlgit.schema import near_miss

State = Literal["good", "missing", "placeholder", "needs review", "not needed"]
Profile = Literal["hf", "annex-iv"]

# What the front matter must say, in every profile.
KEYS = {
    "license": "the licence: `license: apache-2.0` (other names with `license: other` and `license_name`)",
    "library_name": "the library that loads the model: `library_name: sklearn`",
    "pipeline_tag": "the task: `pipeline_tag: tabular-classification`",
    "owners": "who answers for the model: `owners: [Ada Example]`",
    "contact": "where questions and incidents go: `contact: ada@example.com`",
}


@dataclass(frozen=True, slots=True)
class CardGap:
    """Something a profile asks for that is not as it should be; `where` is what to edit or type."""

    key: str
    state: State
    message: str
    where: str


def data_digest(files: Iterable[DataFile]) -> str:
    """One digest for the training data: the file's own, or for several the md5 of their sorted list; '' without any."""
    rows = sorted({(each.path, each.md5) for each in files})
    if len(rows) <= 1:
        return rows[0][1].removesuffix(".dir") if rows else ""
    listing = "".join(f"{md5}  {path}\n" for path, md5 in rows)
    return hashlib.md5(listing.encode(), usedforsecurity=False).hexdigest()


def topics(profile: Profile) -> tuple[Topic, ...]:
    """The sections that a profile asks of people."""
    return tuple(topic for topic in TOPICS if (profile == "annex-iv" and topic.annex != "–") or topic.hf == "asked")


def state(topic: Topic, notes: Notes, *, digest: str, profile: Profile) -> State:
    """How a section stands; `digest` is that of the training data, '' where none is declared."""
    section = notes.sections.get(topic.key)
    if section is None:
        return "missing" if topic in topics(profile) else "not needed"
    if is_placeholder(section.text):
        return "placeholder"
    return "needs review" if digest and section.reviewed_for != digest else "good"


def gaps(facts: Facts, notes: Notes, *, profile: Profile, file: str, is_measured: bool = False) -> tuple[CardGap, ...]:
    """Everything a profile lacks, in the order of the card; `file` is the notes file as messages call it.

    `is_measured`: predictions give metrics, whether or not a file has some.
    """
    digest = data_digest(facts.with_role("train"))
    return (
        *_data_gaps(facts, digest, profile, is_measured or bool(facts.metrics)),
        *_key_gaps(notes, file),
        *_section_gaps(facts, notes, digest, profile, file),
    )


def require(key: str, known: Mapping[str, NotesSection], *, file: str) -> None:
    """Raise MlgitError for a section that is not in the notes, or that nobody has written yet."""
    if key not in known:
        raise MlgitError(
            f"{file}: sections.{key}: no such section" + near_miss(key, known),
            f"its sections: {', '.join(known)}" if known else "write one first",
        )
    if is_placeholder(known[key].text):
        raise MlgitError(f"{file}: sections.{key}.text: nobody has written it yet", "write it, then say that you read it")


def _data_gaps(facts: Facts, digest: str, profile: Profile, is_measured: bool) -> list[CardGap]:
    where = f"mlgit.yaml: models.{facts.artifact}"
    found = []
    if not digest:
        found.append(CardGap("train", "missing", "which data it was trained on", f"{where}: add `train: [PATH]`"))
    if not is_measured:
        found.append(CardGap("metrics", "missing", "how good it is", f"{where}: add `metrics: PATH`"))
    if profile == "annex-iv":
        asked = (
            ("test", facts.with_role("test"), "which data it was tested on", f"{where}: add `test: [PATH]`"),
            ("steps", facts.steps, "how it was made", "declare the stages in dvc.yaml"),
            ("environment", facts.environment, "which software it was made with", "add a requirements.txt with exact versions"),
        )
        found += [CardGap(key, "missing", what, mend) for key, is_there, what, mend in asked if not is_there]
    return found


def _key_gaps(notes: Notes, file: str) -> list[CardGap]:
    found = []
    for key, what in KEYS.items():
        value = getattr(notes, key)
        texts = value if isinstance(value, tuple) else (value,)
        if not any(texts):
            found.append(CardGap(key, "missing", what, file))
        elif any(map(is_placeholder, texts)):
            found.append(CardGap(key, "placeholder", what, f"{file}: {key}"))
    if notes.license == "other" and not notes.license_name:
        found.append(CardGap("license_name", "missing", "the name of the licence that license: other stands for", file))
    return found


def _section_gaps(facts: Facts, notes: Notes, digest: str, profile: Profile, file: str) -> list[CardGap]:
    found = []
    for topic in TOPICS:
        now = state(topic, notes, digest=digest, profile=profile)
        where = f"{file}: sections.{topic.key}"
        if now in ("missing", "placeholder"):
            found.append(CardGap(topic.key, now, topic.prompt, f"{where}.text"))
        elif now == "needs review":
            seen = notes.sections[topic.key].reviewed_for
            for_what = (
                f"was read for the training data {seen[:8]}, which is {digest[:8]} now" if seen else "has not been read yet"
            )
            command = f"`mlgit card build {facts.artifact} --reviewed {topic.key}`"
            found.append(CardGap(topic.key, now, f"{topic.title}: {for_what}", f"{where}: read it, then type {command}"))
    return found
