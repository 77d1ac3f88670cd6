"""What can be completed on a command line: names of stages, models, environments, templates and revisions."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mlgit import project as projects
from mlgit.adapters.formats import documents
from mlgit.adapters.git import git
from mlgit.adapters.system import files
from mlgit.config import Config
from mlgit.experiments import trial_refs
from mlgit.pipeline import resolved
from mlgit.registry import grammar


def candidates(kind: str, begun: str) -> list[str]:
    """Names of a kind (stage, parameter, model, version, environment, template, revision, trial) for a word begun so."""
    if kind == "template":
        from mlgit.scaffold import library

        return library.names()
    if kind == "stage":
        return _stages()
    if kind == "parameter":
        return [f"{each}=" for each in _parameters(begun)]
    if kind == "revision":
        refs = git.run(Path.cwd(), "for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/tags", "refs/remotes")
        return ["HEAD", "workspace", *refs.text.splitlines()]
    if kind == "trial":
        return list(dict.fromkeys(each.name for each in trial_refs.listed(Path.cwd())))
    known = [found for ref in _tags() if (found := grammar.parse(ref))]
    environments = {each.environment for each in known if each.environment}
    if kind == "environment":
        return sorted(environments | {each.name for each in _config().environments})
    models = {each.artifact for each in known}
    if kind == "model":
        return sorted(models | _config().models.keys())
    name = begun.partition("@")[0].partition("#")[0]
    if not {"@", "#"} & {*begun} and len([each for each in models if each.startswith(begun)]) > 1:
        return []
    versions = {f"{each.artifact}@{each.version}" for each in known if each.version}
    versions |= {f"{each}@{grammar.LATEST}" for each in models}
    placed = {f"{each.artifact}#{each.environment}" for each in known if each.environment}
    return [each for each in sorted(models | versions | placed) if each.startswith(name)]


def _tags() -> list[str]:
    return [row.partition(" ")[2] for row in git.ask_for_tags(Path.cwd())().text.splitlines()]


def _config() -> Config:
    return projects.load_config(projects.find())


def _stages() -> list[str]:
    """The stages as they were last read, or as they are read now; those of this folder by their short names as well."""
    root = projects.find().root
    kept = resolved.load(root)
    if kept is None:
        from mlgit.commands.open_project import open_project

        stages = open_project().pipeline.graph.stages
    else:
        stages = kept[0].graph.stages
    here = os.path.relpath(os.path.realpath("."), root)
    near = [each.name for each in stages if os.path.dirname(each.file) == here]
    return near + [each.address for each in stages if each.name]


def _parameters(begun: str) -> Iterator[str]:
    """The values of params.yaml, or of the file that is named, by their paths with dots."""
    file, colon, _ = begun.rpartition(":")
    name = file or "params.yaml"
    for key in _values(documents.parse(files.read_text(projects.find().root / name, name=name), name=name)):
        yield f"{file}{colon}{key}"


def _values(document: Any, above: str = "") -> Iterator[str]:
    if isinstance(document, Mapping) and (document or not above):
        for name, value in document.items():
            yield from _values(value, f"{above}.{name}" if above else str(name))
    else:
        yield above
