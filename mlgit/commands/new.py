"""Makes a new ML repository from a template, and lists the templates that there are."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlgit import __version__
from mlgit.adapters.formats import documents
from mlgit.adapters.system import installation
from mlgit.adapters.system.installation import Origin
from mlgit.commands import preparation
from mlgit.scaffold import answers, create, library, requirement
from mlgit.scaffold.create import Created
from mlgit.scaffold.manifest import Manifest, Question, Value

DEFAULT_TEMPLATE = "tabular-classification"


@dataclass(frozen=True, slots=True)
class NewResult:
    """The project that was made, the template it was made from, and every answer."""

    created: Created
    template: Manifest
    answers: Mapping[str, Value]
    source: Origin

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
    def note(self) -> str:
        """That the workflows install another mlgit than this one; '' where they do not."""
        if not self.source.local or self.answers.get("mlgit_requirement") != self.source.requirement:
            return ""
        said = self.source.requirement
        for extra in self.template.extras:
            said = requirement.with_extra(said, extra)
        return (
            f"this mlgit comes from {self.source.local}, which others cannot reach: mlgit-requirements.txt, from which the "
            f"workflows install it, says {said}"
        )

    def document(self) -> dict[str, Any]:
        """The result as JSON: schema 1."""
        return {
            "schema": 1,
            "folder": str(self.created.folder),
            "template": {"name": self.template.name, "version": self.template.version},
            "answers": self.answers,
            "commit": self.created.commit,
            "tree": self.created.tree,
            "template_commit": self.created.template_commit,
            "note": self.note,
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

    `template` is the name of one that comes with mlgit, or a path. An answer is taken from `assignments` (`NAME=VALUE`),
    else from the file, else from `ask`, else it is the default.
    """
    loaded = library.load(template)
    source = installation.source()
    facts = {"folder": Path(directory).resolve().name, "mlgit_version": __version__, "mlgit_source": source.requirement}
    given = _given(loaded.manifest, assignments, answers_file)
    complete = answers.resolve(loaded.manifest, given=given, facts=facts, ask=ask)
    made = create.create(Path(directory), template=loaded, answers=complete)
    return NewResult(made, loaded.manifest, complete, source)


def templates() -> tuple[Manifest, ...]:
    """What the templates that come with mlgit say of themselves."""
    return tuple(library.manifests())


def _given(manifest: Manifest, assignments: Sequence[str], answers_file: Path | None) -> dict[str, Value]:
    """What the answers file says, and over it what was assigned."""
    given: dict[str, Value] = {}
    if answers_file is not None:
        document = documents.load(answers_file, name=str(answers_file))
        given = answers.check_document(document, manifest, name=str(answers_file))
    return {**given, **answers.parse_assignments(assignments, manifest)}
