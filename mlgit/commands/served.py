"""From what a user types after `mlgit serve` to the tags that are followed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mlgit.commands import places, policy_inputs
from mlgit.commands.model.open_registry import registry_of
from mlgit.commands.notes import Note, unheard
from mlgit.errors import MlgitError
from mlgit.registry import grammar, read
from mlgit.registry.grammar import Reference
from mlgit.registry.state import Artifact
from mlgit.render.text import few
from mlgit.revision.revisions import Revisions
from mlgit.serving import release_folder
from mlgit.serving.follow import TagFollower
from mlgit.serving.followed_remote import FollowedRemote


def follow(word: str, *, remote: str = "", asks: bool = True, with_code: bool = False, note: Note = unheard) -> TagFollower:
    """What NAME, NAME@VERSION or NAME#ENVIRONMENT means, to be looked at again and again.

    A bare NAME means the last declared environment that has a version of it, but for those of its canary and shadow. The
    remote ('' for origin, or the only one) is asked first, unless `asks` is False, so that a clone without tags will do.
    Raises MlgitError where there is nothing to serve.
    """
    root = read.root_of(Path.cwd())
    wanted = grammar.reference(word)
    asked = FollowedRemote(root, remote if asks else None, note)
    if there := asked.ask_ahead():
        asked.bring(there, lambda name: bool(grammar.parse(name)))
    registry = registry_of(root)
    name = places.full_name(root, registry.artifacts, wanted.artifact)
    artifact = registry.artifact(name)
    wanted = wanted._replace(artifact=name)
    project = places.project_of(root, name)
    if not wanted.version and not wanted.environment:
        with Revisions(project) as revisions:
            wanted = wanted._replace(environment=_environment(revisions, artifact))
    registry.resolve(wanted)
    return TagFollower(project, wanted, remote=asked, with_code=with_code, note=note)


def _environment(revisions: Revisions, artifact: Artifact) -> str:
    """The last declared environment that has a version, and is not there for versions on trial."""
    name = artifact.name
    if not artifact.environments:
        hint = f"`mlgit model promote {name} ENVIRONMENT` puts one there; `mlgit serve {name}@VERSION` serves one without"
        raise MlgitError(f"'{name}': no environment has a version of it", hint)
    newest = artifact.events[-1].commit
    config = policy_inputs.in_force(revisions, newest).config
    declared = [each.name for each in config.environments]
    filled = [each for each in declared if artifact.current(each)]
    trials = {trial for each in filled for trial in _trials(revisions, artifact, each)}
    if found := next((each for each in reversed(filled) if each not in trials), ""):
        return found
    known = list(artifact.environments)
    if not declared and len(known) == 1:
        return known[0]
    told = f"none of the declared environments has a version of it ({few(declared)})" if declared else "in several environments"
    raise MlgitError(f"'{name}': {told}", f"name one: {_named(name, known)}")


def _trials(revisions: Revisions, artifact: Artifact, environment: str) -> set[str]:
    """The environments of the canary and the shadow of what is in an environment; none where that cannot be read."""
    current = artifact.current(environment)
    if current is None:
        return set()
    try:
        serving = release_folder.settings_of(revisions.commit(current.event.commit), artifact.name)
    except MlgitError:
        return set()
    return {serving.shadow, serving.canary.environment if serving.canary else ""} - {environment}


def _named(name: str, environments: Iterable[str]) -> str:
    return ", ".join(str(Reference(name, environment=each)) for each in environments)
