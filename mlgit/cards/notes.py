"""`cards/NAME.yaml`: what only people can say about a model, and for which data they said it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlgit.cards.catalogue import BY_KEY, LICENSES, TASKS, TOPICS
from mlgit.schema import Either, Key, ListOf, Table, Text, check

_REVIEWED = Table((Key("data", Text(pattern=r"[0-9a-f]{32}"), "the digest of the training data the text was read for", True),))
_SECTION = Table(
    (
        Key("text", Text(), "paragraphs, lists and emphasis in Markdown", required=True),
        Key("reviewed_for", _REVIEWED, "written by `mlgit card build --reviewed SECTION`"),
    )
)
_ONE_OR_MORE = Either((Text(), ListOf(Text())))

SCHEMA = Table(
    (
        Key("license", Text(choices=LICENSES), "the model's licence, as the Hugging Face Hub spells it"),
        Key("license_name", Text(), "with license: other, the licence's name"),
        Key("license_link", Text(), "with license: other, where it is"),
        Key("library_name", Text(), "the library that loads the model: sklearn, transformers, ..."),
        Key("pipeline_tag", Text(choices=TASKS), "the model's task, as the Hugging Face Hub spells it"),
        Key("language", _ONE_OR_MORE, "languages of the data, as ISO 639-1 codes"),
        Key("tags", ListOf(Text()), "words to find the model by"),
        Key("datasets", _ONE_OR_MORE, "names of the data sets on the Hugging Face Hub"),
        Key("base_model", _ONE_OR_MORE, "the model this one was made from"),
        Key("owners", ListOf(Text()), "who answers for the model"),
        Key("contact", Text(), "where questions and incidents go"),
        Key("repository", Text(), "where the code is: https://..."),
        Key("paper", Text(), "where the method is described: https://..."),
        Key("demo", Text(), "where it can be tried: https://..."),
        Key("authors", ListOf(Text()), "who wrote the card's notes"),
        Key("citation", Text(), "how the model is to be cited, as BibTeX or as a sentence"),
        Key("sections", Table(tuple(Key(topic.key, _SECTION, topic.prompt) for topic in TOPICS)), "what people have to say"),
    )
)

# What stands where somebody still has to write something.
_PLACEHOLDER = re.compile(
    r"\b(?:TODO|TBD|FIXME|XXX)\b|\[?more information needed\]?|\blorem ipsum\b|\bto be (?:written|decided|determined|added)\b"
    r"|[<\[](?:your|insert|fill in|describe)\b[^>\]]*[>\]]",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class NotesSection:
    """A text by a person; `reviewed_for` is the digest of the training data it was last read for, '' for never."""

    text: str
    reviewed_for: str = ""


@dataclass(frozen=True, slots=True)
class Notes:
    """The checked content of a notes file; the empty one stands for a model without the file."""

    license: str = ""
    license_name: str = ""
    license_link: str = ""
    library_name: str = ""
    pipeline_tag: str = ""
    language: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    base_model: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    contact: str = ""
    repository: str = ""
    paper: str = ""
    demo: str = ""
    authors: tuple[str, ...] = ()
    citation: str = ""
    sections: Mapping[str, NotesSection] = field(default_factory=dict)


def parse(document: Any, *, name: str) -> Notes:
    """The notes in a parsed document; None (no file, or an empty one) is no notes.

    Raises MlgitError naming the first fault as `cards/churn.yaml: path: what`.
    """
    checked = {} if document is None else document
    check(checked, SCHEMA, name=name)
    many = ("language", "tags", "datasets", "base_model", "owners", "authors")
    values: dict[str, Any] = {
        key: _several(value) if key in many else value for key, value in checked.items() if key != "sections"
    }
    sections = {key: _section(value) for key, value in checked.get("sections", {}).items()}
    return Notes(**values | {"sections": {key: sections[key] for key in BY_KEY if key in sections}})


def _several(value: Any) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, list) else (value,)


def _section(declared: Mapping[str, Any]) -> NotesSection:
    return NotesSection(declared["text"], declared.get("reviewed_for", {}).get("data", ""))


def is_placeholder(text: str) -> bool:
    """Whether somebody still has to write this: it is empty, marked so, or only repeats the question."""
    words = " ".join(text.split())
    return not words or bool(_PLACEHOLDER.search(words)) or words in {topic.prompt for topic in TOPICS}
