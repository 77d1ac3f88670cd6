"""The project that a template made, and that template as it is today."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mlgit import __version__
from mlgit.adapters.formats import documents
from mlgit.adapters.git import git
from mlgit.adapters.system import files, installation
from mlgit.errors import MlgitError, near_miss
from mlgit.scaffold import answers, sources, state, switch, update
from mlgit.scaffold.answers import Ask
from mlgit.scaffold.manifest import Manifest, Question, Template, Value
from mlgit.scaffold.sources import TemplateSource
from mlgit.scaffold.state import State

# The question of a template that writes files outside the project's folder, too: where that folder is.
_FOLDER = "project_folder"


@dataclass(frozen=True, slots=True)
class Made:
    """A project that a template made: the top of its repository, its folder from there ('' or ending with '/'), its state."""

    root: Path
    prefix: str
    recorded: State

    @property
    def folder(self) -> Path:
        return self.root / self.prefix

    @property
    def source(self) -> TemplateSource:
        """Where the template is, pinned to what was rendered."""
        known = self.recorded
        return sources.remembered(
            known.source, template=known.template, ref=known.ref, commit=known.commit, project=self.folder
        )


@dataclass(frozen=True, slots=True)
class Offer:
    """A template as its source has it, with the answers of a project carried over to its questions."""

    template: Template
    source: TemplateSource
    answers: Mapping[str, Value]

    @property
    def manifest(self) -> Manifest:
        return self.template.manifest


def repository() -> Path:
    """The top of the repository that the current folder is in. Raises MlgitError outside of one."""
    here = Path.cwd().resolve()
    root = git.toplevel(here)
    if root is None:
        raise MlgitError(f"{here}: not inside a Git repository", "`mlgit new DIR` makes a new project")
    return root


def find(root: Path | None = None) -> Made:
    """The project of the current folder, in the repository whose top is `root` if that is known.

    Raises MlgitError outside a repository, and where no template is recorded.
    """
    here, root = Path.cwd().resolve(), root or repository()
    folder = next((each for each in (here, *here.parents) if (each / state.NAME).is_file()), None)
    if folder is None or not folder.is_relative_to(root):
        found = switch.pending(root)
        if found and found.is_broken_off:
            raise MlgitError(f"{found.journal.what} was broken off", "`mlgit template abort` puts back what there was")
        told = f"{here}: no {state.NAME} here or in any folder above: no template made this project"
        raise MlgitError(told, "`mlgit init` brings what mlgit needs and records it")
    if (folder / state.NAME).is_symlink():
        raise MlgitError(f"{folder / state.NAME}: a link", "put the file itself in its place")
    relative = folder.relative_to(root).as_posix()
    text = files.read_text(folder / state.NAME, name=state.NAME)
    return Made(root, "" if relative == "." else f"{relative}/", state.parse(documents.parse_yaml(text, name=state.NAME)))


def newest(made: Made, *, wanted: str = "", moved: str = "") -> TemplateSource:
    """Where to take the template from: its version `wanted`, else the newest; `moved` is a source instead of the recorded one.

    Raises MlgitError where there is no such version.
    """
    source = sources.parse(moved) if moved else made.source
    if source.kind == "url" and not (moved and source.ref):
        return replace(source, ref=_tag(source, wanted) if wanted else "", commit="")
    return source


def _tag(source: TemplateSource, wanted: str) -> str:
    """The tag of a version that may be told without its `v`; what is no version is the name of a branch, or a commit."""
    tags = [version.tag for version in sources.versions(source)]
    return next((tag for tag in tags if tag.removeprefix("v") == wanted.removeprefix("v")), wanted)


def offered(made: Made, source: TemplateSource, *, assignments: Sequence[str] = (), ask: Ask | None = None) -> Offer:
    """The template at a source, and the project's answers to its questions.

    `assignments` (`NAME=VALUE`) go before what is recorded. Raises MlgitError for another template, and for an answer that the
    template does not take any more.
    """
    template, pinned = sources.read(source)
    manifest = template.manifest
    if manifest.name != made.recorded.template:
        raise MlgitError(
            f"{source}: that is the template '{manifest.name}', and this project was made from '{made.recorded.template}'"
        )
    anew = answers.parse_assignments(assignments, manifest)
    given = {**_carried(made, manifest, without=anew), **anew}
    return Offer(template, pinned, answers.resolve(manifest, given=given, facts=_facts(made.folder), ask=ask))


def first_offer(folder: Path, source: TemplateSource, *, assignments: Sequence[str] = (), ask: Ask | None = None) -> Offer:
    """The template at a source, with answers for a project in a folder that has none recorded."""
    template, pinned = sources.read(source)
    given = answers.parse_assignments(assignments, template.manifest)
    return Offer(template, pinned, answers.resolve(template.manifest, given=given, facts=_facts(folder), ask=ask))


def _facts(folder: Path) -> dict[str, str]:
    requirement = installation.source().requirement
    return {"folder": folder.name, "mlgit_version": __version__, "mlgit_source": requirement}


def with_feature(made: Made, feature: str) -> Offer:
    """The template that the project was made from, or where that did not know the feature yet, the newest."""
    offer = offered(made, made.source)
    if made.source.kind == "url" and feature not in offer.manifest.features:
        offer = offered(made, newest(made))
    known = offer.manifest.features
    if feature not in known:
        told = f"the template '{offer.manifest.name}' has no feature '{feature}'{near_miss(feature, known)}"
        raise MlgitError(told, f"its features: {', '.join(known) or 'none'}")
    return offer


def rendered_anew(made: Made) -> str:
    """The tree of what the template renders to for the recorded version and answers; '' where it cannot be had."""
    try:
        template = sources.read(made.source).template
        if template.manifest.version != made.recorded.version:
            return ""
        return update.stored(made.root, template, made.recorded.answers)
    except MlgitError:
        return ""


def state_of(made: Made, offer: Offer, *, tree: str) -> State:
    """What is recorded of a project once it has this tree of what is offered."""
    is_same = offer.source.kind == "folder" and offer.source.where == made.source.where
    source = made.recorded.source if is_same else sources.recorded(offer.source, project=made.folder)
    return State(
        offer.manifest.name,
        offer.manifest.version,
        tree,
        offer.answers,
        source=source,
        ref=offer.source.ref,
        commit=offer.source.commit,
        folder=made.prefix.rstrip("/") or "." if _FOLDER in offer.answers else ".",
    )


def check_version(made: Made, manifest: Manifest, *, wanted: str) -> None:
    """Raise MlgitError where the version is none that was asked for: another one, or unasked an older one than there is."""
    if wanted and made.source.kind != "url" and wanted.removeprefix("v") != manifest.version:
        hint = "mlgit's own templates come with mlgit: install its version" if made.source.kind == "builtin" else ""
        raise MlgitError(f"there is no version {wanted} of '{manifest.name}' here, only {manifest.version}", hint)
    if not wanted and numbers(manifest.version) < numbers(made.recorded.version):
        here = f"this project was made from version {made.recorded.version} of '{manifest.name}'"
        told = f"{here}, and there is only {manifest.version}"
        raise MlgitError(told, f"install a newer mlgit; or go back: `--to {manifest.version}`")


def numbers(version: str) -> tuple[int, ...]:
    """A version as numbers, to be compared."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def _carried(made: Made, manifest: Manifest, *, without: Container[str]) -> dict[str, Value]:
    """The recorded answers to the questions that there still are, but for which mlgit it is and where: that is told anew.

    Those to questions that are answered anew may be what the template does not take any more.
    """
    recorded = made.recorded
    kept = [each for each in manifest.questions if each.name in recorded.answers and each.name not in without]
    given = {each.name: _checked(each, recorded.answers[each.name]) for each in kept if not _is_old(each, recorded)}
    return given | ({_FOLDER: made.prefix.rstrip("/") or "."} if _FOLDER in given else {})


def _is_old(question: Question, recorded: State) -> bool:
    answer = recorded.answers[question.name]
    return question.default == "[[ mlgit_source ]]" and bool(re.fullmatch(r"mlgit==\S+", str(answer)))


def _checked(question: Question, answer: Value) -> Value:
    try:
        return answers.checked(question, answer, name=state.NAME)
    except MlgitError as error:
        raise MlgitError(error.message, f"answer anew: `--set {question.name}=...`") from error
