"""Answers: from what a user gave, what a terminal asks and what a template presumes to one checked mapping."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mlgit.errors import MlgitError
from mlgit.scaffold.manifest import NAME, Manifest, Question, Template, Use, Value, answer_schema
from mlgit.scaffold.sandbox import fill
from mlgit.schema import check, describe, near_miss

Ask = Callable[[Question, Value | None], Value]

_WORDS = {"true": True, "yes": True, "false": False, "no": False}


def resolve(
    manifest: Manifest, *, given: Mapping[str, Value], facts: Mapping[str, str], ask: Ask | None = None
) -> dict[str, Value]:
    """Every question's answer, in the manifest's order: given, else asked, else the default.

    `facts` are what defaults may use besides earlier answers. `ask` gets a question with its default and returns
    a checked answer. Raises MlgitError for a question without an answer and for a default that its own rules refuse.
    """
    answers: dict[str, Value] = {}
    of_folder = {"folder"} & facts.keys()
    for question in manifest.questions:
        if question.name in given:
            answers[question.name] = given[question.name]
            continue
        presumed = _default(question, {**facts, **answers}, template=manifest.name)
        if ask is not None:
            answers[question.name] = ask(question, presumed)
        elif presumed is None:
            raise MlgitError(f"no answer to '{question.name}': {question.doc}", f"add `--set {question.name}=...`")
        elif _used(question) & of_folder:
            of_folder |= {question.name}
            answers[question.name] = _named_by_folder(question, presumed)
        else:
            answers[question.name] = checked(question, presumed, name="default answer")
    return answers


def part_answers(part: Template, use: Use, answers: Mapping[str, Value], *, name: str) -> dict[str, Value]:
    """The answers to the questions of a part that a template uses, filled in with the template's own.

    `name` is shown before what is wrong with them, as `demo/template.yaml: parts.review`.
    """
    given = {key: _filled(value, answers, name=f"{name}.answers.{key}") for key, value in use.answers.items()}
    return resolve(part.manifest, given=check_document(given, part.manifest, name=name), facts={})


def _filled(value: Any, answers: Mapping[str, Value], *, name: str) -> Any:
    if not isinstance(value, str):
        return value
    alone = re.fullmatch(r"\[\[ *(\w+) *\]\]", value)
    return answers[alone[1]] if alone and alone[1] in answers else fill(value, answers, name=name)


def _used(question: Question) -> set[str]:
    """The words in a default that is filled in: names of facts and answers among them."""
    return {*re.findall(r"\w+", question.default)} if isinstance(question.default, str) and "[[" in question.default else set()


def _named_by_folder(question: Question, presumed: Value | None) -> Value:
    """A default made from the name of the folder, which is what the user typed; it is refused in words of that name."""
    name = "name of the folder"
    try:
        return checked(question, presumed, name=name)
    except MlgitError as error:
        hint = "choose another name, as in `mlgit new my-model`"
        if "folder" in _used(question):
            raise MlgitError(error.message.replace(f"{name}: {question.name}: ", f"{name}: ", 1), hint) from error
        raise MlgitError(error.message, f"{hint}, or add `--set {question.name}=...`") from error


def parse_assignments(assignments: Iterable[str], manifest: Manifest, *, name: str = "--set") -> dict[str, Value]:
    """The answers in `key=value` words; the last one of a key counts."""
    found: dict[str, Value] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals:
            raise MlgitError(f"{name} {assignment}: no '=' in it", f"write `{name} NAME=VALUE`")
        found[key] = coerce(_named(key, manifest, name=name), text, name=name)
    return found


def check_document(document: Any, manifest: Manifest, *, name: str) -> dict[str, Value]:
    """The answers in a parsed answers file: a mapping of names to values of the questions' types."""
    if not isinstance(document, Mapping):
        raise MlgitError(f"{name}: expected a mapping of answers", "write one `name: value` per line")
    return {str(key): checked(_named(str(key), manifest, name=name), value, name=name) for key, value in document.items()}


def coerce(question: Question, text: str, *, name: str) -> Value:
    """The answer that a word from a command line or a terminal means."""
    value: object = text
    match question.type:
        case "int":
            value = int(text) if re.fullmatch(r"[-+]?[0-9]{1,18}", text.strip()) else text
        case "bool":
            value = _WORDS.get(text.strip().lower(), text)
        case "multichoice":
            value = [word.strip() for word in text.split(",") if word.strip()]
    return checked(question, value, name=name)


def checked(question: Question, value: object, *, name: str) -> Value:
    """`value` as an answer to the question.

    Raises MlgitError `NAME: QUESTION: what` when the question's type, choices, pattern or requirements refuse it.
    """
    document = list(value) if isinstance(value, tuple) else value
    check(document, answer_schema(question.type, question.choices), name=name, path=question.name)
    if isinstance(document, list):
        return _features(question, document, name=name)
    if isinstance(document, str):
        _check_text(question, document, name=name)
    assert isinstance(document, (str, int))
    return document


def _check_text(question: Question, text: str, *, name: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise MlgitError(f"{name}: {question.name}: not UTF-8 text", "give the answer in UTF-8") from error
    try:
        fits = not question.pattern or re.fullmatch(question.pattern, text)
    except TimeoutError as error:
        raise MlgitError(f"{name}: {question.name}: {text!r} cannot be matched with {question.pattern} in time") from error
    if not fits:
        expected = f"expected {question.expects}" if question.expects else f"it does not match {question.pattern}"
        raise MlgitError(f"{name}: {question.name}: {text!r}: {expected}", f"add `--set {question.name}=...`")


def _features(question: Question, chosen: list[str], *, name: str) -> tuple[str, ...]:
    """The chosen features in the manifest's order, each once; one that needs another is refused without it."""
    for feature in chosen:
        missing = [other for other in question.requires.get(feature, ()) if other not in chosen]
        if missing:
            complete = ",".join(choice for choice in question.choices if choice in {*chosen, *missing})
            raise MlgitError(
                f"{name}: {question.name}: '{feature}' requires '{missing[0]}'", f"add `--set {question.name}={complete}`"
            )
    return tuple(choice for choice in question.choices if choice in chosen)


def _named(key: str, manifest: Manifest, *, name: str) -> Question:
    known = {question.name: question for question in manifest.questions}
    if key not in known:
        raise MlgitError(
            f"{name}: {key}: the template '{manifest.name}' asks no such question{near_miss(key, known)}",
            "its questions: " + (", ".join(known) or "none"),
        )
    return known[key]


def _default(question: Question, values: Mapping[str, Value], *, template: str) -> Value | None:
    if isinstance(question.default, str) and question.type == "str":
        return fill(question.default, values, name=f"{template}/{NAME}: questions.{question.name}.default")
    return question.default


def expected(question: Question) -> str:
    """What an answer looks like, in a few words."""
    match question.type:
        case "choice":
            return " | ".join(question.choices)
        case "multichoice":
            return "any of " + ", ".join(question.choices) + ", joined by commas"
        case "bool":
            return "yes or no"
        case _:
            return question.expects or describe(answer_schema(question.type, question.choices))
