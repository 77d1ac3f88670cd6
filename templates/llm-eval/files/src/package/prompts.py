"""A prompt: a file with front matter (YAML between two lines of `---`) and a body in jinja2.

- model      which of models.yaml it is for
- variables  what a case must give; the prompt has to use each of them, and no other
- system     what the system message says, in jinja2 too; optional

Templates are data here, too: no file is included, nothing is called, and a name that nobody declared is a fault.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import yaml
from jinja2 import meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined, autoescape=False)

Messages = list[dict[str, str]]


@dataclass(frozen=True)
class Prompt:
    """What is asked, and of which model."""

    model: str
    variables: tuple[str, ...]
    system: str
    body: str


def read(path: Path) -> Prompt:
    """Read a prompt; ValueError for whatever is wrong with it."""
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (ValueError, yaml.YAMLError) as error:
        raise ValueError(f"{path}: {error}") from error


def parse(text: str) -> Prompt:
    """The prompt in a text."""
    opening, _, rest = text.partition("---\n")
    front, closing, body = rest.partition("\n---\n")
    given = yaml.safe_load(front) if not opening and closing else None
    keys = given.keys() if isinstance(given, dict) else set()
    if not {"model", "variables"} <= keys <= {"model", "variables", "system"}:
        raise ValueError("expected front matter with the keys model, variables, perhaps system")
    variables, system = given["variables"], given.get("system", "")
    if not isinstance(variables, list) or not all(isinstance(each, str) for each in variables):
        raise ValueError("variables: expected a list of names")
    if not isinstance(given["model"], str) or not isinstance(system, str):
        raise ValueError("model and system: expected text")
    try:
        used = meta.find_undeclared_variables(ENVIRONMENT.parse(system + body))
    except jinja2.TemplateError as error:
        raise ValueError(f"no template: {error}") from error
    if used != set(variables):
        different = ", ".join(sorted(used ^ set(variables)))
        raise ValueError(f"variables: declared and used are not the same: {different}")
    return Prompt(given["model"], tuple(variables), system.strip(), body.strip())


def messages(prompt: Prompt, values: dict[str, Any]) -> Messages:
    """What is sent for a case; ValueError when it lacks a variable, or has one that nobody declared."""
    if values.keys() != set(prompt.variables):
        expected, found = ", ".join(prompt.variables), ", ".join(values)
        raise ValueError(f"expected the variables {expected}; found {found}")
    try:
        parts = {"system": _filled(prompt.system, values), "user": _filled(prompt.body, values)}
    except jinja2.TemplateError as error:  # a sandbox refuses with one of these, too
        raise ValueError(f"the prompt cannot be rendered: {error}") from error
    return [{"role": role, "content": text} for role, text in parts.items() if text]


def _filled(source: str, values: dict[str, Any]) -> str:
    return ENVIRONMENT.from_string(source).render(values)
