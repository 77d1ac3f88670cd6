"""What can be completed on a command line: names of stages, models, environments, templates and revisions."""

from __future__ import annotations

from pathlib import Path

from mlgit import project as projects
from mlgit.adapters.git import git
from mlgit.config import Config
from mlgit.pipeline import resolved
from mlgit.registry import grammar
from mlgit.scaffold import library


def candidates(kind: str, begun: str) -> list[str]:
    """Names of a kind (stage, model, version, environment, template, revision) for a word that is begun so."""
    if kind == "template":
        return library.names()
    if kind == "stage":
        return _stages()
    if kind == "revision":
        refs = git.run(Path.cwd(), "for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/tags", "refs/remotes")
        return ["HEAD", "workspace", *refs.text.splitlines()]
    known = [found for ref in _tags() if (found := grammar.parse(ref))]
    environments = {each.environment for each in known if each.environment}
    if kind == "environment":
        return sorted(environments | {each.name for each in _config().environments})
    models = {each.artifact for each in known}
    if kind == "model":
        return sorted(models | _config().models.keys())
    name = begun.partition("@")[0].partition("#")[0]
    if (
        not {"@", "#"} & {*begun}
        and kind == "model or version"
        and len([each for each in models if each.startswith(begun)]) > 1
    ):
        return sorted(models)
    versions = {f"{each.artifact}@{each.version}" for each in known if each.version}
    versions |= {f"{each}@{grammar.LATEST}" for each in models}
    placed = {f"{each.artifact}#{each.environment}" for each in known if each.environment}
    return [each for each in sorted(models | versions | placed) if each.startswith(name)]


def _tags() -> list[str]:
    return [row.partition(" ")[2] for row in git.ask_for_tags(Path.cwd())().text.splitlines()]


def _config() -> Config:
    return projects.load_config(projects.find())


def _stages() -> list[str]:
    """The stages as they were last read, or as they are read now."""
    kept = resolved.load(projects.find().root)
    if kept is None:
        from mlgit.commands.open_project import open_project

        return [stage.address for stage in open_project().pipeline.graph.stages]
    return [stage.address for stage in kept[0].graph.stages]
