"""The pure heart of the room: a template and answers in, paths with mode and bytes out."""

from __future__ import annotations

import json
from collections.abc import Mapping

from mlgit.config import document_schema
from mlgit.errors import MlgitError
from mlgit.scaffold import limits, paths
from mlgit.scaffold.answers import part_answers
from mlgit.scaffold.manifest import FOLDER, NAME, SCHEMA_FILE, Manifest, Template, Value, extra_of, holds, written_name
from mlgit.scaffold.requirement import with_extra
from mlgit.scaffold.sandbox import fill
from mlgit.scaffold.state import NAME as STATE_NAME

# A file as Git keeps it: its mode ("100644", or "100755" for a program) and its content.
File = tuple[str, bytes]

# What pip installs mlgit from, beside a project's own requirements.
REQUIREMENTS = "mlgit-requirements.txt"


def render(template: Template, answers: Mapping[str, Value]) -> dict[str, File]:
    """Every file of a project made from `template` with these (complete, checked) answers, by path, sorted.

    Raises MlgitError naming the template's file, and the line where there is one, for whatever is wrong with it.
    """
    manifest = template.manifest
    found: dict[str, File] = {}
    taken: dict[str, str] = {}
    for stored, content in sorted(template.files.items()):
        path = written_name(stored)
        if _is_written(manifest, path, answers):
            name = f"{manifest.name}/{FOLDER}/{stored}"
            text = _content(stored, content, answers, name=name)
            _add(found, taken, _target(manifest, path, answers), (_mode(manifest, path), text), name=name)
    for path, what in manifest.generated.items():
        if _is_written(manifest, path, answers):
            target = _target(manifest, path, answers)
            _add(
                found,
                taken,
                target,
                (_mode(manifest, path), _generate(what, answers)),
                name=f"{manifest.name}/{NAME}: generated.{path}",
            )
    for use in manifest.uses:
        if holds(use.when, answers):
            where = f"{manifest.name}/{NAME}: parts.{use.part}"
            part = template.parts[use.part]
            for path, file in render(part, part_answers(part, use, answers, name=where)).items():
                _add(found, taken, path, file, name=where)
    _check_folders(found, name=manifest.name)
    limits.check_sizes({path: len(content) for path, (_, content) in found.items()}, name=f"{manifest.name}, as rendered")
    return dict(sorted(found.items()))


def schema_file() -> bytes:
    """The JSON Schema of mlgit.yaml, for editors, as a file of a project."""
    return (json.dumps(document_schema(), indent=2) + "\n").encode()


def _is_written(manifest: Manifest, path: str, answers: Mapping[str, Value]) -> bool:
    return all(holds(rule.when, answers) for rule in manifest.rules if rule.covers(path))


def _mode(manifest: Manifest, path: str) -> str:
    return "100755" if any(rule.executable for rule in manifest.rules if rule.covers(path)) else "100644"


def _target(manifest: Manifest, path: str, answers: Mapping[str, Value]) -> str:
    """The name a file is written to: the longest rule with a `to` decides."""
    rules = [rule for rule in manifest.rules if rule.to and rule.covers(path)]
    if not rules:
        return path
    rule = max(rules, key=lambda each: len(each.path))
    return fill(rule.to, answers, name=f"{manifest.name}/{NAME}: files.{rule.path}.to") + path[len(rule.path) :]


def _content(stored: str, content: bytes, answers: Mapping[str, Value], *, name: str) -> bytes:
    if not stored.endswith(".jinja"):
        # a zero byte makes a file binary, as for Git; in text, LF always
        return content if b"\0" in content else content.replace(b"\r\n", b"\n")
    try:
        source = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise MlgitError(f"{name}: line {line}: not UTF-8 text", "save the file as UTF-8") from error
    return fill(source, answers, name=name).encode("utf-8", "surrogatepass")


def requirements_file(requirement: str) -> bytes:
    """What pip installs mlgit from, apart from what a project's own code requires."""
    return (
        "# What checks this project, for an environment of its own: no code of the project imports it.\n"
        f"{requirement}\n"
        "# The plugin of the DVC remote goes here, too, such as `dvc-s3`.\n"
    ).encode()


def _generate(what: str, answers: Mapping[str, Value]) -> bytes:
    if what == SCHEMA_FILE:
        return schema_file()
    return requirements_file(with_extra(str(answers["mlgit_requirement"]), extra_of(what)))


def _add(found: dict[str, File], taken: dict[str, str], path: str, file: File, *, name: str) -> None:
    problem = paths.problem(path)
    if path.partition("/")[0].casefold() == ".dvc" or path.casefold() == STATE_NAME:
        problem = "mlgit writes that itself"
    if problem:
        raise MlgitError(f"{name}: would be written to {path!r}: {problem}")
    # macOS and Windows keep `README.md` and `readme.md` as one file
    if taken.setdefault(paths.folded(path), path) != path or path in found:
        raise MlgitError(f"{name}: would be written to {path!r}, and so would another file of the template")
    found[path] = file


def _check_folders(found: Mapping[str, File], *, name: str) -> None:
    folders = {paths.folded(path[:index]): path for path in found for index, char in enumerate(path) if char == "/"}
    for path in found:
        if paths.folded(path) in folders:
            raise MlgitError(f"{name}: '{path}' would be a file and the folder of '{folders[paths.folded(path)]}'")
