"""A template: its manifest (`template.yaml`) as a checked value, and the files beside it.

A template is a folder with `template.yaml` and `files/`. Rules for the names in `files/`:

- a name that begins with `dot_` is written with a dot (`dot_gitignore` -> `.gitignore`), because a template's own
  dot files would act on the repository and on the wheel that hold the template;
- a name that ends with `.jinja` loses the ending and its text is rendered; every other file is copied as it is, so
  that Python's `frame[["a", "b"]]` is never taken for a variable;
- nothing else in a name has a meaning. Conditions and names that depend on answers stand in the manifest, under
  `files`, by the name as written (`src/package/`; a trailing slash means the folder and all below it).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mlgit.errors import MlgitError
from mlgit.scaffold import paths
from mlgit.schema import Anything, Boolean, Integer, Key, ListOf, MapOf, Table, Text, check, near_miss

NAME = "template.yaml"
FOLDER = "files"

Value = str | int | bool | tuple[str, ...]
QuestionType = Literal["str", "int", "bool", "choice", "multichoice"]

# Three numbers, of so many digits that they can be compared.
VERSION = r"[0-9]{1,9}\.[0-9]{1,9}\.[0-9]{1,9}"

# What a default may use besides earlier answers: the name of the new folder, and the version of mlgit.
FACTS = ("folder", "mlgit_version", "mlgit_source")

# What mlgit itself writes into a project. An extra in brackets is one that the project's own stages need.
SCHEMA_FILE, REQUIREMENTS_FILE = "mlgit-schema", "mlgit-requirements"
GENERATED = (SCHEMA_FILE, REQUIREMENTS_FILE, f"{REQUIREMENTS_FILE}[data]")

_QUESTION = Table(
    (
        Key("type", Text(choices=("str", "int", "bool", "choice", "multichoice")), "the kind of answer", required=True),
        Key("doc", Text(), "the question, as people read it", required=True),
        Key("default", Anything(), "the answer when none is given; text may use [[ earlier_answers ]]"),
        Key("pattern", Text(), "a regular expression that a text matches as a whole"),
        Key("expects", Text(), "the pattern in words, for the message that refuses an answer"),
        Key("choices", MapOf(Text(), key_pattern="[a-z0-9][a-z0-9_-]*"), "choice -> what it means"),
        Key("requires", MapOf(ListOf(Text())), "choice -> the choices it cannot do without (multichoice)"),
    )
)

_PATH = Table(
    (
        Key("when", Text(), "write it only if this bool question, feature (of a multichoice) or question=choice holds"),
        Key("to", Text(), "the name to write it to; may use [[ answers ]]"),
        Key("executable", Boolean(), "whether it is a program"),
    )
)

_PART = Table(
    (
        Key("when", Text(), "render it only if this bool question, feature (of a multichoice) or question=choice holds"),
        Key("answers", MapOf(Anything()), "its answers; text may use [[ answers ]], and one answer alone keeps its type"),
    )
)

SCHEMA = Table(
    (
        Key("mlgit_template", Integer(choices=(1,)), "the version of this file's format: 1", required=True),
        Key("name", Text(pattern="[a-z][a-z0-9-]*"), "the template's name", required=True),
        Key("version", Text(pattern=VERSION), "the template's version, three numbers", required=True),
        Key("description", Text(pattern=r"[^\r\n]+"), "the template in one line", required=True),
        Key("changes", MapOf(Text(), key_pattern=VERSION), "version -> what it changed, for those who update"),
        Key("questions", MapOf(_QUESTION, key_pattern="[a-z][a-z0-9_]*"), "answer name -> question, in the order asked"),
        Key("files", MapOf(_PATH), "path -> when it is written, and under which name"),
        Key("generated", MapOf(Text(choices=GENERATED)), "path -> what mlgit itself writes there"),
        Key("parts", MapOf(_PART), "part that is rendered too -> when, and the answers to its questions"),
    )
)


@dataclass(frozen=True, slots=True)
class Question:
    """One thing a template wants to know; without a default it must be answered."""

    name: str
    type: QuestionType
    doc: str
    default: Value | None
    pattern: str
    expects: str
    choices: Mapping[str, str]
    requires: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Rule:
    """What the manifest says about one path, or with a trailing slash about a folder and all below it."""

    path: str
    when: str = ""
    to: str = ""
    executable: bool = False

    def covers(self, path: str) -> bool:
        return path == self.path or (self.path.endswith("/") and path.startswith(self.path))


@dataclass(frozen=True, slots=True)
class Use:
    """That a template is made of a part as well: when, and with which answers, in which `[[ ]]` is not filled in yet."""

    part: str
    when: str = ""
    answers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Manifest:
    """The checked content of a template.yaml."""

    name: str
    version: str
    description: str
    questions: tuple[Question, ...]
    rules: tuple[Rule, ...]
    generated: Mapping[str, str]
    uses: tuple[Use, ...] = ()
    changes: Mapping[str, str] = field(default_factory=dict)

    @property
    def features(self) -> dict[str, str]:
        """What can be chosen besides, and what each is."""
        return {name: doc for each in self.questions if each.type == "multichoice" for name, doc in each.choices.items()}

    @property
    def extras(self) -> tuple[str, ...]:
        """The extras of mlgit that the stages of a project cannot do without."""
        return tuple(extra for extra in map(extra_of, self.generated.values()) if extra)


def extra_of(what: str) -> str:
    """The extra of mlgit in what is generated: that of `mlgit-requirements[data]`; '' for none."""
    return what.partition("[")[2].removesuffix("]")


@dataclass(frozen=True, slots=True)
class Template:
    """A manifest and the files of the template: path below `files/`, as stored -> content.

    `parts` are templates that several share, such as the workflows, by the names under which the manifest uses them.
    """

    manifest: Manifest
    files: Mapping[str, bytes]
    parts: Mapping[str, Template] = field(default_factory=dict)


def parse(document: Any, *, name: str = NAME) -> Manifest:
    """The manifest in a parsed document.

    Raises MlgitError naming the first fault as `template.yaml: path: what`.
    """
    checked = {} if document is None else document
    check(checked, SCHEMA, name=name)
    questions = tuple(_question(key, table, name=name) for key, table in checked.get("questions", {}).items())
    rules = tuple(_rule(path, table) for path, table in checked.get("files", {}).items())
    uses = tuple(Use(part, table.get("when", ""), table.get("answers", {})) for part, table in checked.get("parts", {}).items())
    for rule in rules:
        _check_condition(rule.when, questions, where=f"{name}: files.{rule.path}")
    for use in uses:
        _check_condition(use.when, questions, where=f"{name}: parts.{use.part}")
    for path, what in checked.get("generated", {}).items():
        if what != SCHEMA_FILE and not any(each.name == "mlgit_requirement" for each in questions):
            raise MlgitError(f"{name}: generated.{path}: no question 'mlgit_requirement', whose answer it is made of")
    return Manifest(
        name=checked["name"],
        version=checked["version"],
        description=checked["description"],
        questions=questions,
        rules=rules,
        generated=checked.get("generated", {}),
        uses=uses,
        changes=checked.get("changes", {}),
    )


def template(
    document: Any,
    files: Mapping[str, bytes],
    *,
    name: str = NAME,
    parts: Mapping[str, Template] | None = None,
) -> Template:
    """A template from its parsed manifest, its files and its parts; a rule that covers no file is a fault."""
    manifest = parse(document, name=name)
    written = {path: written_name(path) for path in files}
    for stored, path in written.items():
        if problem := paths.problem(path):
            raise MlgitError(f"{manifest.name}/{FOLDER}/{stored}: would be written to {path!r}: {problem}")
    known = [*written.values(), *manifest.generated]
    for rule in manifest.rules:
        if not any(rule.covers(path) for path in known):
            raise MlgitError(f"{name}: files.{rule.path}: the template has no such file{near_miss(rule.path, known)}")
    return Template(manifest, files, parts or {})


def written_name(path: str) -> str:
    """The name under which a stored file is written, before any `to`: `a/dot_b.jinja` -> `a/.b`."""
    names = (re.sub(r"^dot_", ".", part) for part in path.split("/"))
    return "/".join(names).removesuffix(".jinja")


def _rule(path: str, table: Mapping[str, Any]) -> Rule:
    return Rule(path, when=table.get("when", ""), to=table.get("to", ""), executable=table.get("executable", False))


def _question(key: str, table: Mapping[str, Any], *, name: str) -> Question:
    where = f"{name}: questions.{key}"
    _check_question(key, table, where=where)
    default = table.get("default")
    return Question(
        name=key,
        type=table["type"],
        doc=table["doc"],
        default=tuple(default) if isinstance(default, list) else default,
        pattern=table.get("pattern", ""),
        expects=table.get("expects", ""),
        choices=table.get("choices", {}),
        requires={choice: tuple(others) for choice, others in table.get("requires", {}).items()},
    )


def _check_question(key: str, table: Mapping[str, Any], *, where: str) -> None:
    choices = table.get("choices", {})
    if key in FACTS:
        raise MlgitError(f"{where}: the name is taken by mlgit", "choose another name")
    if bool(choices) != (table["type"] in ("choice", "multichoice")):
        raise MlgitError(f"{where}.choices: " + ("only a choice has them" if choices else "missing"))
    if "pattern" in table and table["type"] != "str":
        raise MlgitError(f"{where}.pattern: only an answer of type str has one")
    try:
        re.compile(table.get("pattern", ""))
    except (re.error, OverflowError, RecursionError) as error:
        raise MlgitError(f"{where}.pattern: not a regular expression: {error}") from error
    for choice, others in table.get("requires", {}).items():
        for word in (choice, *others):
            if word not in choices or table["type"] != "multichoice":
                raise MlgitError(f"{where}.requires: '{word}' is not a choice of a multichoice{near_miss(word, choices)}")
    if table.get("default") is not None:
        check(table["default"], answer_schema(table["type"], choices), name=where, path="default")


def answer_schema(kind: QuestionType, choices: Mapping[str, str]) -> Text | Integer | Boolean | ListOf:
    """What an answer to a question of this type may be."""
    match kind:
        case "int":
            return Integer()
        case "bool":
            return Boolean()
        case "multichoice":
            return ListOf(Text(choices=tuple(choices)))
        case _:
            return Text(choices=tuple(choices))


def _check_condition(when: str, questions: tuple[Question, ...], *, where: str) -> None:
    known = [word for question in questions for word in _conditions(question)]
    if when and known.count(when) != 1:
        problem = "two questions know" if when in known else "no bool question, feature or question=choice is"
        raise MlgitError(f"{where}.when: {problem} '{when}'{near_miss(when, known)}")


def _conditions(question: Question) -> list[str]:
    match question.type:
        case "bool":
            return [question.name]
        case "multichoice":
            return list(question.choices)
        case "choice":
            return [f"{question.name}={choice}" for choice in question.choices]
        case _:
            return []


def holds(when: str, answers: Mapping[str, Value]) -> bool:
    """Whether a condition of the manifest holds for these answers; the empty one always does."""
    question, equals, choice = when.partition("=")
    if equals:
        return answers.get(question) == choice
    chosen = (value for value in answers.values() if isinstance(value, tuple))
    return not when or answers.get(when) is True or any(when in features for features in chosen)
