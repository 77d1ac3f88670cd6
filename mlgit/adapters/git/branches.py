"""A branch that mlgit keeps: the workspace as a commit, and the push of it, without touching index, HEAD or files."""

from __future__ import annotations

import base64
import os
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

from mlgit.adapters.git import git
from mlgit.adapters.system import files
from mlgit.errors import MlgitError

# Who commits where Git was told nobody, as in most jobs of CI.
_NOBODY = {"NAME": "mlgit", "EMAIL": "propose@mlgit.invalid"}
_ROLES = ("GIT_AUTHOR", "GIT_COMMITTER")
_SPACE = "refs/heads/"


@dataclass(frozen=True, slots=True)
class Tip:
    """The last commit of a branch at the remote: its id, tree, parents and message; '' where there is no branch."""

    commit: str = ""
    tree: str = ""
    parents: tuple[str, ...] = ()
    message: str = ""


def tree_of_workspace(root: Path, *, folder: str, without: tuple[str, ...] = ()) -> str:
    """The tree that HEAD would have with everything in `folder` ('' or ending with '/') committed that is not ignored.

    Paths below `without`, from the top, are left as HEAD has them.
    """
    with files.temporary_folder("index") as place:
        env = {"GIT_INDEX_FILE": str(place / "index")}
        git.run(root, "read-tree", "HEAD", env=env)
        left = [f":(top,exclude,literal){path}" for path in without]
        wanted = f":(top,literal){folder}" if folder else ":(top)"
        git.run(root, "add", "--all", "--", wanted, *left, env=env)
        return git.run(root, "write-tree", env=env).text.strip()


def changed(root: Path, tree: str) -> list[str]:
    """The paths in which a tree differs from that of HEAD."""
    done = git.run(root, "diff-tree", "-r", "-z", "--name-only", "HEAD", tree)
    return [path for path in done.text.split("\0") if path]


def commit(root: Path, tree: str, *, message: str) -> str:
    """A commit of a tree on top of HEAD, that no ref names yet; by who Git was told, else by mlgit itself."""
    env: dict[str, str] = {}
    for role in _ROLES:
        if git.run(root, "-c", "user.useConfigOnly=true", "var", f"{role}_IDENT", check=False).code:
            env |= {f"{role}_{key}": value for key, value in _NOBODY.items()}
    return git.run(root, "commit-tree", tree, "-p", "HEAD", stdin=message.encode(), env=env).text.strip()


def tip(root: Path, remote: str, branch: str, *, token: str = "") -> Tip:
    """What a branch of the remote is at now, fetched without a ref of its own here."""
    env = _credentials(root, remote, token)
    rows = git.run(root, "ls-remote", "--quiet", remote, f"{_SPACE}{branch}", env=env).text.split()
    if not rows:
        return Tip()
    git.run(root, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", remote, f"{_SPACE}{branch}", env=env)
    text = git.run(root, "show", "--no-patch", "--format=%T%n%P%n%B", rows[0]).text
    tree, parents, message = text.split("\n", 2)
    return Tip(rows[0], tree, tuple(parents.split()), message)


def push(root: Path, remote: str, branch: str, *, commit: str, expected: str, token: str = "") -> None:
    """Move a branch of the remote to a commit, if it still is at `expected` ('': if it is not there)."""
    env = _credentials(root, remote, token)
    lease = f"--force-with-lease={_SPACE}{branch}:{expected}"
    done = git.run(root, "push", "--quiet", lease, remote, f"{commit}:{_SPACE}{branch}", env=env, check=False)
    if done.code:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason was given"]
        raise MlgitError(f"the branch {branch} could not be pushed to {remote}: {said[-1]}", "try again, or push it yourself")


def _credentials(root: Path, remote: str, token: str) -> dict[str, str]:
    """The token for the host of the remote, and for no other; in the environment, for arguments are seen by everybody."""
    url = urllib.parse.urlsplit(git.run(root, "remote", "get-url", "--push", remote, check=False).text.strip())
    if not token or url.scheme != "https":
        return {}
    number = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
    secret = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    return {
        "GIT_CONFIG_COUNT": str(number + 1),
        f"GIT_CONFIG_KEY_{number}": f"http.https://{url.netloc.rpartition('@')[2]}/.extraHeader",
        f"GIT_CONFIG_VALUE_{number}": f"Authorization: Basic {secret}",
    }
