"""`.mlgit-template.yaml`: which template, version and answers made a project, and Git's id of what they render to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlgit.scaffold.filters import yaml
from mlgit.scaffold.manifest import VERSION, Value
from mlgit.schema import Boolean, Either, Integer, Key, ListOf, MapOf, Table, Text, check

NAME = ".mlgit-template.yaml"

# Where pristine renders are kept: no branch, so that nobody works on it, and no tag, so that no clone is crowded by it.
REF = "refs/mlgit/template"

# Author and committer of every pristine render. With a fixed instant the same template and answers have the same
# commit id in every repository, so a render can be verified by its id.
SIGNATURE = "mlgit <template@mlgit.invalid> 946684800 +0000"

# The source of a template that comes with mlgit.
BUILTIN = "builtin"

_ANSWER = Either((Text(), Boolean(), Integer(), ListOf(Text())))

SCHEMA = Table(
    (
        Key("template", Text(), "the template's name", required=True),
        Key("version", Text(pattern=VERSION), "the template's version", required=True),
        Key("source", Text(pattern=r"[^\r\n]+"), "where the template is: builtin, a folder, or the URL of a repository"),
        Key("ref", Text(pattern=r"[^\s]+"), "the tag, branch or commit of the repository that was asked for"),
        Key("commit", Text(pattern="[0-9a-f]{40}([0-9a-f]{24})?"), "the commit of the repository that was rendered"),
        Key("folder", Text(pattern=r"[^\r\n]+"), "the project's folder among the rendered files, where it is not their top"),
        Key("tree", Text(pattern="[0-9a-f]{40}([0-9a-f]{24})?"), "Git's id of the rendered files", required=True),
        Key("answers", MapOf(_ANSWER), "question -> answer", required=True),
    )
)


# What is written only where it is not this.
_OPTIONAL = {"source": BUILTIN, "ref": "", "commit": "", "folder": "."}


@dataclass(frozen=True, slots=True)
class State:
    """The content of the state file.

    `tree` is the id of the pristine render *without* this file: a tree cannot hold its own id. It is what
    `git rev-parse refs/mlgit/template^{tree}` says, and re-rendering with the same answers gives it again.
    `source` is BUILTIN, the path of a folder or the URL of a repository; of the last, `ref` is what was asked for and `commit`
    what was rendered. `folder` is where the project lies among the rendered files, '.' at their top.
    """

    template: str
    version: str
    tree: str
    answers: Mapping[str, Value]
    source: str = BUILTIN
    ref: str = ""
    commit: str = ""
    folder: str = "."


def parse(document: Any, *, name: str = NAME) -> State:
    """The state in a parsed document."""
    checked = {} if document is None else document
    check(checked, SCHEMA, name=name)
    answers = {key: tuple(value) if isinstance(value, list) else value for key, value in checked["answers"].items()}
    more = {key: checked[key] for key in _OPTIONAL if key in checked}
    return State(checked["template"], checked["version"], checked["tree"], answers, **more)


def dump(state: State) -> str:
    """The text of the state file."""
    told = "".join(f"{key}: {yaml(getattr(state, key))}\n" for key in _OPTIONAL if getattr(state, key) != _OPTIONAL[key])
    answers = "".join(f"\n  {key}: {yaml(value)}" for key, value in state.answers.items()) or " {}"
    return (
        "# How this project was made: mlgit writes and reads this file; people leave it alone.\n"
        f"template: {yaml(state.template)}\n"
        f"version: {yaml(state.version)}\n{told}"
        "# The rendered files, without this one: git rev-parse refs/mlgit/template^{tree}\n"
        f"tree: {yaml(state.tree)}\n"
        f"answers:{answers}\n"
    )


def message(subject: str, *, template: str, version: str) -> str:
    """A commit message with the trailer by which later commands find what a commit was rendered from."""
    return f"{subject} {template} {version}\n\nMlgit-Template: {template} {version}\n"
