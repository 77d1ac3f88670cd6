"""Checks a template for those who write it: rendered with every choice and with texts that break files, and read again."""

from __future__ import annotations

import ast
import os
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlgit import __version__, config
from mlgit.adapters.dvc import templating
from mlgit.adapters.formats import documents
from mlgit.adapters.git import git
from mlgit.adapters.system import bounds
from mlgit.errors import EXIT_NO, EXIT_YES, MlgitError
from mlgit.pipeline import graph, parse
from mlgit.render.text import count
from mlgit.scaffold import cases, library, manifest
from mlgit.scaffold.cases import AnswerSet
from mlgit.scaffold.manifest import Manifest, Template, written_name
from mlgit.scaffold.render import File, render

_PARSED = (".json", ".toml", ".yaml", ".yml", ".ipynb")
_VERSION_TAGS = ("v[0-9]*", "[0-9]*")


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """Something at fault in a template: the file, its line (0 for the whole) and what it is."""

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}: {f'line {self.line}: ' if self.line else ''}{self.what}"


@dataclass(frozen=True, slots=True)
class TemplateCheck:
    """What was found in a template, and with how many answers it was tried."""

    folder: str
    faults: tuple[Fault, ...]
    n_cases: int
    n_files: int
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        return EXIT_NO if self.faults else EXIT_YES

    def document(self) -> dict[str, Any]:
        """The result as JSON: schema 1."""
        faults = [{"file": each.file, "line": each.line, "what": each.what} for each in self.faults]
        said = {"template": self.folder, "cases": self.n_cases, "files": self.n_files}
        return {"schema": 1, **said, "faults": faults, "notes": [*self.notes]}


@dataclass(frozen=True, slots=True)
class _Findings:
    """What is found, each once, whatever the number of answers that show it."""

    faults: dict[tuple[str, int, str], str] = field(default_factory=dict)
    read: set[tuple[str, bytes]] = field(default_factory=set)

    def add(self, file: str, line: int, what: str, *, case: str = "") -> None:
        self.faults.setdefault((file, line, what), case)

    def add_error(self, error: MlgitError, *, file: str = "", case: str = "") -> None:
        """What a reader refused, by its `file: line L: what`, or what it said of a file."""
        match = re.fullmatch(r"([^:\n]+): (?:line ([0-9]+)(?:, column [0-9]+)?: )?(.*)", error.message, re.DOTALL)
        if match and (not file or match[1].startswith(file)):
            inner = re.search(r"\(at line ([0-9]+)", match[3])  # as TOML is refused
            self.add(match[1], int(match[2] or (inner[1] if inner else 0)), match[3], case=case)
        else:
            self.add(file or manifest.NAME, 0, error.message, case=case)

    def sorted(self) -> tuple[Fault, ...]:
        found = self.faults.items()
        return tuple(
            sorted(Fault(file, line, what + (f" (with {case})" if case else "")) for (file, line, what), case in found)
        )


def check_template(folder: str) -> TemplateCheck:
    """Look at the template in a folder. Raises MlgitError where there is none."""
    place = Path(folder)
    if not (place / manifest.NAME).is_file():
        raise MlgitError(f"{folder}: no template there", f"a template is a folder with a {manifest.NAME}")
    found = _Findings()
    try:
        template = library.load(os.path.join(folder, ""))
        renders = _rendered(template, found)
    except MlgitError as error:
        found.add_error(error)
        return TemplateCheck(folder, found.sorted(), 0, 0)
    text = (place / manifest.NAME).read_text(encoding="utf-8-sig")
    for line, what in (*_unused(template, text), *_idle(template, renders, text), *_modes(template, place, text)):
        found.add(manifest.NAME, line, what)
    notes = _version(place, template.manifest, text, found)
    files = {path for _, rendered in renders for path in rendered}
    return TemplateCheck(folder, found.sorted(), len(renders), len(files), notes)


def _rendered(template: Template, found: _Findings) -> list[tuple[AnswerSet, dict[str, File]]]:
    """What every case renders to, with what is wrong in it noted."""
    made = template.manifest
    facts = {"folder": "my-project", "mlgit_version": __version__, "mlgit_source": f"mlgit=={__version__}"}
    with bounds.bounded(f"{made.name}/{manifest.NAME}"):
        tried = [*cases.cases(made, facts)]
    renders: list[tuple[AnswerSet, dict[str, File]]] = []
    for case in [*tried, *_nested(template, tried[0])]:
        try:
            with bounds.bounded(made.name):
                files = render(template, case.answers)
        except MlgitError as error:
            found.add_error(error, case=case.what)
            continue
        renders.append((case, files))
        _read(files, found, case=case.what)
    return renders


def _conditions(template: Template) -> dict[str, list[str]]:
    """The conditions of everything that is written, by its name in the template."""
    rules, made = template.manifest.rules, template.manifest
    names = [*map(written_name, template.files), *made.generated]
    found = {name: [rule.when for rule in rules if rule.when and rule.covers(name)] for name in names}
    return found | {f"parts.{use.part}": [use.when] for use in made.uses if use.when}


def _nested(template: Template, start: AnswerSet) -> Iterator[AnswerSet]:
    """Answers for what more than one condition has to hold for."""
    several = {tuple(each) for each in _conditions(template).values() if len(set(each)) > 1}
    for conditions in sorted(several):
        answers = cases.satisfying(template.manifest, [*conditions], start.answers)
        if answers is not None:
            yield AnswerSet(" and ".join(conditions), answers)


def _read(files: Mapping[str, File], found: _Findings, *, case: str) -> None:
    """Read the files that tools will read, each text once."""
    new = {path: content for path, (_, content) in files.items() if (path, content) not in found.read}
    found.read.update(new.items())
    for path, content in new.items():
        try:
            _read_file(path, content, files)
        except MlgitError as error:
            found.add_error(error, file=path, case=case)
        except SyntaxError as error:
            found.add(path, error.lineno or 0, f"not Python: {error.msg}", case=case)
        except ValueError as error:
            found.add(path, 0, f"not Python: {error}", case=case)


def _read_file(path: str, content: bytes, files: Mapping[str, File]) -> None:
    name = path.rpartition("/")[2]
    if name.endswith(".py"):
        with warnings.catch_warnings(action="ignore"):  # what Python says of an escape it does not know
            ast.parse(content, path)
    if not name.endswith(_PARSED) or b"\0" in content:
        return
    text = content.decode("utf-8", "replace")
    document = documents.parse(text, name=path) if name.endswith((".json", ".toml")) else None
    if name.endswith(".ipynb"):
        documents.parse(text, name=f"{path}.json")
    elif name.endswith((".yaml", ".yml")):
        document = documents.parse_yaml(text, name=path)
    if name == config.NAME:
        config.parse(document, name=path)
    elif name == "dvc.yaml":
        _read_pipeline(document, path, text, files)
    elif re.fullmatch(r"\.github/workflows/[^/]+", path):
        missing = [key for key in ("on", "jobs") if not isinstance(document, Mapping) or key not in document]
        if missing:
            raise MlgitError(f"{path}: no `{missing[0]}:`, without which GitHub takes it for no workflow")


def _read_pipeline(document: Any, path: str, text: str, files: Mapping[str, File]) -> None:
    def read(other: str) -> str | None:
        return files[other][1].decode("utf-8", "replace") if other in files else None

    parse.check_file(document, name=path)
    bodies: Mapping[str, Any] = document.get("stages") or {}
    if parse.needs_templating(document, text):
        bodies = templating.resolve(document, folder=path.rpartition("/")[0], text=read, options={})
    graph.build([parse.stage(str(name), body, file=path, root="") for name, body in bodies.items()])


def _unused(template: Template, text: str) -> Iterator[tuple[int, str]]:
    """Questions whose answers change nothing, as no text, name, condition or part asks for them."""
    made = template.manifest
    texts = [content.decode("utf-8", "replace") for path, content in template.files.items() if path.endswith(".jinja")]
    texts += [rule.to for rule in made.rules] + [str(value) for use in made.uses for value in use.answers.values()]
    texts += [question.default for question in made.questions if isinstance(question.default, str)]
    used = {word for each in texts for word in cases.words(each)}
    used |= {"mlgit_requirement"} if any(what != manifest.SCHEMA_FILE for what in made.generated.values()) else set()
    conditions = {condition for each in _conditions(template).values() for condition in each}
    conditions |= {condition.partition("=")[0] for condition in conditions}
    for question in made.questions:
        if question.name not in used and not {question.name, *question.choices} & conditions:
            yield _line(text, question.name), f"questions.{question.name}: its answer is used nowhere"


def _idle(template: Template, renders: list[tuple[AnswerSet, dict[str, File]]], text: str) -> Iterator[tuple[int, str]]:
    """Conditions that never hold, and features and choices with which nothing differs."""
    for path, conditions in _conditions(template).items():
        start = renders[0][0].answers if renders else {}
        if conditions and start and cases.satisfying(template.manifest, conditions, start) is None:
            yield _line(text, path), f"{path}: {' and '.join(conditions)} never hold at once, so it is never written"
    by_case = {case.what: files for case, files in renders}
    for question in template.manifest.questions:
        for choice in question.choices:
            chosen = (choice,) if question.type == "choice" else cases.closure(question, choice)
            files = by_case.get(f"{question.name}={','.join(chosen)}")
            others = tuple(each for each in chosen if each != choice)
            without = by_case.get(f"{question.name}={','.join(others)}", by_case.get(""))
            if files is not None and files == without:
                kind = "choice" if question.type == "choice" else "feature"
                yield _line(text, choice), f"questions.{question.name}: the {kind} '{choice}' changes no file"


def _modes(template: Template, place: Path, text: str) -> Iterator[tuple[int, str]]:
    """Programs that would be written as plain files, and the other way round."""
    rules = template.manifest.rules
    for stored, content in template.files.items():
        path = written_name(stored)
        declared = any(rule.executable for rule in rules if rule.covers(path))
        if not declared and os.access(place / manifest.FOLDER / stored, os.X_OK):
            yield 0, f"files.{path}: a program in the template, but not in a project: add `executable: true`"
        elif declared and not content.startswith(b"#!") and b"\0" not in content:
            yield _line(text, path), f"files.{path}: executable, but its first line names no program (`#!/bin/sh`)"


def _version(place: Path, made: Manifest, text: str, found: _Findings) -> tuple[str, ...]:
    """Note a version that is the one of the last tag, though files differ; what could not be compared is returned."""
    top = git.toplevel(place)
    if top is None:
        return ("the template is in no Git repository, so its version is compared with none",)
    match = [f"--match={each}" for each in _VERSION_TAGS]
    tag = git.run(place, "describe", "--tags", "--abbrev=0", *match, check=False).text.strip()
    if not tag:
        return ("no version is tagged yet, so there is none to compare with",)
    shown = f"{tag}:./{manifest.NAME}"
    before = git.run(place, "show", shown, check=False)
    if before.code:
        return ()
    was = manifest.parse(documents.parse_yaml(before.text, name=shown), name=shown)
    parts = [f"../{library.PARTS}/{use.part}" for use in made.uses if (place.parent / library.PARTS / use.part).is_dir()]
    kept = [manifest.NAME, manifest.FOLDER, *parts]
    changed = git.run(place, "diff", "--name-only", "-z", tag, "--", *kept).text
    new = git.run(place, "ls-files", "--others", "--exclude-standard", "-z", "--", *kept).text
    names = [each for each in (changed + new).split("\0") if each]
    if names and was.version == made.version:
        what = f"version: {made.version} as in {tag}, though {count(len(names), 'file')} changed since: raise it"
        found.add(manifest.NAME, _line(text, "version"), what)
    return ()


def _line(text: str, name: str) -> int:
    """The first line of the manifest that is about a name; 0 for none."""
    rows = text.splitlines()
    return next((number for number, row in enumerate(rows, 1) if re.match(rf"[\s{{\"'-]*{re.escape(name)}[\"']?\s*:", row)), 0)
