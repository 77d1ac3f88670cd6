"""What templates there are, and what one asks, offers and writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlgit import __version__
from mlgit.adapters.system import installation
from mlgit.errors import MlgitError
from mlgit.scaffold import answers, library, sources
from mlgit.scaffold.manifest import Manifest, Question, Value
from mlgit.scaffold.render import render
from mlgit.scaffold.sources import TemplateSource

_FOLDER = "my-model"


@dataclass(frozen=True, slots=True)
class TemplateDescription:
    """A template: its manifest, its source, and what it writes: always, and with each feature more."""

    manifest: Manifest
    source: TemplateSource
    files: tuple[str, ...]
    by_feature: dict[str, tuple[str, ...]]

    def document(self) -> dict[str, Any]:
        """The description as JSON: schema 1."""
        return {
            "schema": 1,
            "name": self.manifest.name,
            "version": self.manifest.version,
            "description": self.manifest.description,
            "source": str(self.source),
            "commit": self.source.commit or None,
            "questions": [_question(each) for each in self.manifest.questions],
            "features": [
                {"name": name, "description": what, "files": list(self.by_feature[name])}
                for name, what in self.manifest.features.items()
            ],
            "files": list(self.files),
            "changes": [{"version": version, "what": what} for version, what in self.manifest.changes.items()],
        }


def _question(question: Question) -> dict[str, Any]:
    return {
        "name": question.name,
        "type": question.type,
        "doc": question.doc,
        "default": question.default,
        "expects": answers.expected(question),
        "choices": dict(question.choices),
    }


def templates() -> tuple[Manifest, ...]:
    """What the templates that come with mlgit say of themselves."""
    return tuple(library.manifests())


def describe(wanted: str) -> TemplateDescription:
    """A template by its name, folder or URL; the files are those of a project called `my-model`.

    A text without a default is taken to be its question's name. Raises MlgitError for a template that is not there or at fault.
    """
    template, source = sources.read(sources.parse(wanted))
    facts = {"folder": _FOLDER, "mlgit_version": __version__, "mlgit_source": installation.source().requirement}
    complete = answers.resolve(template.manifest, given=_presumed(template.manifest), facts=facts)
    chosen = [each.name for each in template.manifest.questions if each.type == "multichoice"]
    without = render(template, {**complete, **dict.fromkeys(chosen, ())})
    by_feature: dict[str, tuple[str, ...]] = {}
    for question in template.manifest.questions:
        for feature in question.choices if question.type == "multichoice" else ():
            names = _with_needed(question, feature)
            more = render(template, {**complete, **dict.fromkeys(chosen, ()), question.name: names})
            by_feature[feature] = tuple(path for path in more if path not in without)
    return TemplateDescription(template.manifest, source, tuple(without), by_feature)


def _presumed(manifest: Manifest) -> dict[str, Value]:
    """Something for the questions that have no default, so that there is something to show."""
    found: dict[str, Value] = {}
    for each in manifest.questions:
        if each.default is None:
            candidates: tuple[object, ...] = (each.name, "example", *each.choices, 1, True, [])
            found[each.name] = next(value for value in (_taken(each, one) for one in candidates) if value is not None)
    return found


def _taken(question: Question, candidate: object) -> Value | None:
    try:
        return answers.checked(question, candidate, name="")
    except MlgitError:
        return None


def _with_needed(question: Question, feature: str) -> tuple[str, ...]:
    """A feature and all that it cannot do without."""
    wanted, waiting = {feature}, [feature]
    while waiting:
        more = [each for each in question.requires.get(waiting.pop(), ()) if each not in wanted]
        wanted.update(more)
        waiting += more
    return tuple(each for each in question.choices if each in wanted)
