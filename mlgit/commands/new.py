"""Makes a new ML repository from a template, and lists the templates that there are."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlgit import __version__
from mlgit.adapters.formats import documents
from mlgit.adapters.system import bounds, installation
from mlgit.adapters.system.installation import Origin
from mlgit.commands import preparation
from mlgit.scaffold import answers, create, manifest, requirement, sources
from mlgit.scaffold.create import Created
from mlgit.scaffold.manifest import Manifest, Question, Value
from mlgit.scaffold.sources import TemplateSource

DEFAULT_TEMPLATE = "tabular-classification"


@dataclass(frozen=True, slots=True)
class NewResult:
    """The project that was made, the template it was made from and where that was found, every answer, and this mlgit."""

    created: Created
    template: Manifest
    answers: Mapping[str, Value]
    source: TemplateSource
    mlgit: Origin

    def following(self, directory: str) -> list[str]:
        """What to type next, with the project's folder by this name; one called -x is no option of `cd`."""
        place = f"./{directory}" if directory.startswith("-") else directory
        folder = self.created.folder
        steps = [] if folder == Path.cwd() else [f"cd {shlex.quote(place)}"]
        # they know this mlgit, and the next steps may make another environment the active one
        steps += [installation.adding_extra(each) for each in self.template.extras if installation.lacks(each)]
        has_requirements = (folder / "requirements.txt").exists()
        return [*steps, *(preparation.commands("requirements.txt") if has_requirements else ["mlgit run"])]

    @property
    def notes(self) -> tuple[str, ...]:
        """What is worth knowing besides."""
        stripped = (
            "the user and password in the template's URL are not stored; a credential helper of Git's keeps them for later"
        )
        return tuple(each for each in (self.note, stripped if self.source.login else "") if each)

    @property
    def note(self) -> str:
        """That the workflows install another mlgit than this one; '' where they do not."""
        if not self.mlgit.local or self.answers.get("mlgit_requirement") != self.mlgit.requirement:
            return ""
        said = self.mlgit.requirement
        for extra in self.template.extras:
            said = requirement.with_extra(said, extra)
        return (
            f"this mlgit comes from {self.mlgit.local}, which others cannot reach: mlgit-requirements.txt, from which the "
            f"workflows install it, says {said}"
        )

    def document(self) -> dict[str, Any]:
        """The result as JSON: schema 1."""
        return {
            "schema": 1,
            "folder": str(self.created.folder),
            "template": {
                "name": self.template.name,
                "version": self.template.version,
                "source": self.source.name,
                "ref": self.source.ref,
                "commit": self.source.commit,
            },
            "answers": self.answers,
            "commit": self.created.commit,
            "tree": self.created.tree,
            "template_commit": self.created.template_commit,
            "note": "; ".join(self.notes),
            "next": self.following(str(self.created.folder)),
        }


def new(
    directory: Path | str,
    *,
    template: str = DEFAULT_TEMPLATE,
    assignments: Sequence[str] = (),
    answers_file: Path | None = None,
    ask: Callable[[Question, Value | None], Value] | None = None,
) -> NewResult:
    """Make the new folder `directory`: a Git repository with a DVC project, rendered from a template, in one commit.

    `template` is the name of one that comes with mlgit, a path, or a Git URL, `URL[@TAG][#FOLDER]`. An answer is taken from
    `assignments` (`NAME=VALUE`), else from the file, else from `ask`, else it is the default.
    """
    loaded, source = sources.read(sources.parse(template))
    running = installation.source()
    facts = {"folder": Path(directory).resolve().name, "mlgit_version": __version__, "mlgit_source": running.requirement}
    # who is asked can end what takes too long
    with nullcontext() if ask else bounds.bounded(f"{loaded.manifest.name}/{manifest.NAME}"):
        given = _given(loaded.manifest, assignments, answers_file)
        complete = answers.resolve(loaded.manifest, given=given, facts=facts, ask=ask)
    made = create.create(Path(directory), template=loaded, answers=complete, source=source)
    return NewResult(made, loaded.manifest, complete, source, running)


def _given(asking: Manifest, assignments: Sequence[str], answers_file: Path | None) -> dict[str, Value]:
    """What the answers file says, and over it what was assigned."""
    given: dict[str, Value] = {}
    if answers_file is not None:
        document = documents.load(answers_file, name=str(answers_file))
        given = answers.check_document(document, asking, name=str(answers_file))
    return {**given, **answers.parse_assignments(assignments, asking)}
