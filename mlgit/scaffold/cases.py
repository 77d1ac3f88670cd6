"""Which answers a template is tried with: its defaults, each feature and choice, all together, and texts that break files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from mlgit.errors import MlgitError
from mlgit.scaffold import answers
from mlgit.scaffold.manifest import Manifest, Question, Value, holds

# What people type and what files of some kind take for something else; a question is tried with those that it takes.
TEXTS = (
    'say "hi" to \'em',
    "back\\slash \\n \\u0041",
    "a: b # c",
    "two\nlines\n  and more",
    "[[ folder ]] [% if %] [# x #]",
    "${{ github.ref }} ${param} {{ x }}",
    "Größe 模型 \U0001f600 \u2028",
    "- item",
    "*star &and !tag @at `tick` |",
    "'''\"\"\"]]>",
    "<b>&amp;</b>",
    "null",
    "1e5",
    " spaces around ",
    "%d {0} %(x)s",
    "x" * 300,
)
# What an answer may look like where there is no default.
_SAMPLES = ("example", "example_name", "Example", "1", "1.0", "ada@example.com", "https://example.com/x", "org/name")


class AnswerSet(NamedTuple):
    """Answers to try a template with, and what is special about them, as `features=docker`; '' for the defaults."""

    what: str
    answers: Mapping[str, Value]


def base(manifest: Manifest, facts: Mapping[str, str]) -> dict[str, Value]:
    """The default answers, with a sample where there is no default.

    Raises MlgitError for a default that its own rules refuse, and where no sample fits.
    """
    given: dict[str, Value] = {}
    for question in manifest.questions:
        if question.default is None:
            given[question.name] = _sample(question, manifest)
    return answers.resolve(manifest, given=given, facts=facts)


def _sample(question: Question, manifest: Manifest) -> Value:
    match question.type:
        case "str":
            found = next((text for text in _SAMPLES if takes(question, text)), None)
            if found is None:
                hint = "give it a default, if only for this check"
                raise MlgitError(
                    f"{manifest.name}/template.yaml: questions.{question.name}: no sample matches its pattern", hint
                )
            return found
        case "choice":
            return next(iter(question.choices))
        case "multichoice":
            return ()
        case kind:
            return kind == "int" or False


def takes(question: Question, value: object) -> bool:
    """Whether a question takes an answer."""
    try:
        answers.checked(question, value, name="")
    except MlgitError:
        return False
    return True


def cases(manifest: Manifest, facts: Mapping[str, str]) -> Iterator[AnswerSet]:
    """The defaults first, then what differs from them in one answer, all features together, and texts in all questions."""
    start = base(manifest, facts)
    yield AnswerSet("", start)
    for question in manifest.questions:
        for value in _variants(question):
            if value != start[question.name]:
                yield AnswerSet(f"{question.name}={said(value)}", {**start, question.name: value})
    switches = [each for each in manifest.questions if each.type in ("bool", "multichoice")]
    everything: dict[str, Value] = {each.name: True if each.type == "bool" else tuple(each.choices) for each in switches}
    if everything:
        yield AnswerSet("everything", {**start, **everything})
    for text in TEXTS:
        fitting = {each.name: text for each in manifest.questions if each.type == "str" and takes(each, text)}
        if fitting:
            yield AnswerSet(f"{', '.join(fitting)}={text!r}", {**start, **fitting})


def _variants(question: Question) -> Iterator[Value]:
    match question.type:
        case "bool":
            yield from (False, True)
        case "choice":
            yield from question.choices
        case "multichoice":
            yield ()
            for choice in question.choices:
                yield closure(question, choice)
        case "int":
            yield from (0, -1, 10**6)
        case _:
            pass


def closure(question: Question, choice: str) -> tuple[str, ...]:
    """A feature and all that it requires, in the manifest's order."""
    wanted, waiting = {choice}, [choice]
    while waiting:
        for other in question.requires.get(waiting.pop(), ()):
            if other not in wanted:
                wanted.add(other)
                waiting.append(other)
    return tuple(each for each in question.choices if each in wanted)


def said(value: Value) -> str:
    """An answer as `--set` takes it."""
    return ",".join(value) if isinstance(value, tuple) else str(value).lower() if isinstance(value, bool) else str(value)


def satisfying(manifest: Manifest, conditions: list[str], start: Mapping[str, Value]) -> dict[str, Value] | None:
    """Answers under which all conditions hold at once; None where there are none."""
    found = dict(start)
    for condition in conditions:
        name, equals, choice = condition.partition("=")
        if equals:
            found[name] = choice
            continue
        for question in manifest.questions:
            if question.type == "bool" and question.name == condition:
                found[question.name] = True
            elif question.type == "multichoice" and condition in question.choices:
                before = found[question.name]
                added = {*(before if isinstance(before, tuple) else ()), *closure(question, condition)}
                found[question.name] = tuple(each for each in question.choices if each in added)
    return found if all(holds(condition, found) for condition in conditions) else None


def words(text: str) -> set[str]:
    """The names in a text that is filled in."""
    return {word for part in re.findall(r"\[\[.*?\]\]|\[%.*?%\]", text, re.DOTALL) for word in re.findall(r"\w+", part)}
