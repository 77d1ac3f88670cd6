"""The forges by name, each with the way it takes a token."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal, NamedTuple, overload

from mlgit.adapters.forge import ci_env
from mlgit.adapters.forge.ci_env import CiJob
from mlgit.adapters.forge.forge import Forge
from mlgit.adapters.forge.gitea import Gitea
from mlgit.adapters.forge.github import GitHub
from mlgit.adapters.forge.gitlab import GitLab
from mlgit.adapters.forge.http import Api
from mlgit.errors import MlgitError

KINDS = ("github", "gitlab", "gitea")


class Hosting(NamedTuple):
    """Which forge, the address of its API, and the repository."""

    kind: str
    api: str
    repository: str


def place(job: CiJob, *, kind: str | None, api: str | None, repository: str | None) -> Hosting:
    """What the command line names, else the job's; of another kind of forge nothing is taken from the job."""
    wanted = kind or job.kind
    known = job if wanted == job.kind else CiJob()
    return Hosting(wanted, api or known.api, repository or known.repository)


def make(place: Hosting, *, token: str) -> Forge:
    """The client for a repository. Raises MlgitError where it is not said which."""
    for given, option in ((place.kind, "--forge github"), (place.repository, "--repository OWNER/NAME")):
        if not given:
            raise MlgitError("it is not known where this repository is hosted", f"add `{option}`")
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise MlgitError("the token has characters that no token has", "is it pasted whole, and nothing else?")
    if place.kind == "gitlab":
        return GitLab(Api(place.api or "https://gitlab.com/api/v4", headers={"PRIVATE-TOKEN": token}), place.repository)
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    if place.kind == "gitea":
        if not place.api:
            raise MlgitError("it is not known which server this is", "add `--api https://gitea.example.com/api/v1`")
        return Gitea(Api(place.api, headers=headers), place.repository)
    headers |= {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
    return GitHub(Api(place.api or "https://api.github.com", headers=headers), place.repository)


class ConnectedForge(NamedTuple):
    """The client for a repository, and the token that it holds, for pushes go to the same host."""

    client: Forge
    repository: str
    token: str


@dataclass(frozen=True, slots=True)
class ForgeAccess:
    """What hosts the repository: what the command line names, else the job's."""

    job: CiJob
    kind: str | None = None
    api: str = ""
    repository: str = ""

    @overload
    def connect(self) -> ConnectedForge: ...

    @overload
    def connect(self, *, is_needed: Literal[True]) -> ConnectedForge: ...

    @overload
    def connect(self, *, is_needed: bool) -> ConnectedForge | None: ...

    def connect(self, *, is_needed: bool = True) -> ConnectedForge | None:
        """The client, with the token of the environment; None where none is needed, and nothing is known of one.

        Raises MlgitError where one is needed.
        """
        found = place(self.job, kind=self.kind, api=self.api, repository=self.repository)
        token = ci_env.token(os.environ, found.kind)
        if not token and not is_needed:
            return None
        if not token:
            names = " or ".join(ci_env.token_names(os.environ, found.kind))
            raise MlgitError("there is no token for the forge", f"set {names}")
        if not is_needed and not (found.kind and found.repository):
            return None
        return ConnectedForge(make(found, token=token), found.repository, token)
