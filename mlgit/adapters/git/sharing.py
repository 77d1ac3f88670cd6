"""The current branch to and from a Git remote, and nothing but fast-forwards on either side."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from mlgit.adapters.git import git, remote_tags, shared_refs
from mlgit.adapters.system.process import Completed
from mlgit.errors import MlgitError

# Where pipelines and what they made are recorded.
_NAMES = ("dvc.lock", "dvc.yaml", "*.dvc")
_RECORDS = tuple(f":(top,glob)**/{name}" for name in _NAMES)


class Branch(NamedTuple):
    """The branch that is checked out, its commit, and the remote that it is pushed to; `is_followed`: it has an upstream."""

    name: str
    commit: str
    remote: str
    is_followed: bool


def current(root: Path, *, remote: str | None = None) -> Branch:
    """The branch to push or to pull, with the remote that Git would take, unless one is named.

    Raises MlgitError on no branch, before the first commit, without a remote, and where the upstream has another name.
    """
    name = git.current_branch(root)
    if name is None:
        raise MlgitError("HEAD is detached: there is no branch to push or pull", "`git switch BRANCH`, or `git switch -c NAME`")
    commit = git.resolve(root, "HEAD")
    own = _setting(root, f"branch.{name}.remote")
    chosen = remote_of(root, remote=remote, branch=name)
    merges = _setting(root, f"branch.{name}.merge").removeprefix("refs/heads/")
    if merges and own == chosen and merges != name:
        raise MlgitError(
            f"the branch '{name}' follows '{chosen}/{merges}', which has another name",
            f"`git branch --unset-upstream`, then again: it goes to '{name}'",
        )
    return Branch(name, commit, chosen, is_followed=bool(merges))


def remote_of(root: Path, *, remote: str | None = None, branch: str = "") -> str:
    """The remote that Git would push to from a branch ('' for none), unless one is named.

    Raises MlgitError where there is none of that name.
    """
    settings = [f"branch.{branch}.pushRemote", "remote.pushDefault", f"branch.{branch}.remote"]
    settings = settings if branch else ["remote.pushDefault"]
    chosen = remote or next((found for each in settings if (found := _setting(root, each))), "")
    known = remote_tags.remotes(root)
    chosen = chosen or (known[0] if len(known) == 1 else "origin")
    if chosen not in known:
        told = "this repository has no Git remote" if not known else f"remote '{chosen}' not found"
        raise MlgitError(told, f"`git remote add {chosen} URL`" + (", or name one with --remote" if known else ""))
    return chosen


def _setting(root: Path, key: str) -> str:
    return git.run(root, "config", "--get", key, check=False).text.strip()


def refs_of(root: Path, remote: str) -> dict[str, str]:
    """All refs of a remote with the ids of their objects; a tag's commit stands behind `NAME^{}`.

    Raises MlgitError when it does not answer.
    """
    done = git.run(root, "ls-remote", "--quiet", "--", remote, check=False)
    if done.code:
        raise MlgitError(
            f"the remote '{remote}' does not answer: {_last(done.stderr.decode(errors='replace'))}",
            "`git remote -v` lists the remotes",
        )
    return {ref: oid for oid, _, ref in (row.partition("\t") for row in done.text.splitlines())}


def commits_of(root: Path, tags: Iterable[str]) -> list[str]:
    """The commits of tags, through tags of tags."""
    return [git.resolve(root, f"refs/tags/{name}") for name in tags]


def unpushed(root: Path, tips: Iterable[str], there: Mapping[str, str]) -> list[str]:
    """The commits that these tips lead to and none of the refs of a remote does, the newest first."""
    return _listed(root, tips, there)


def recording(root: Path, tips: Iterable[str], there: Mapping[str, str]) -> list[str]:
    """The tips, and those of their unpushed commits in which pipelines or records of content differ from those before."""
    wanted = list(dict.fromkeys(tips))
    return list(dict.fromkeys([*wanted, *_listed(root, wanted, there, "--full-history", paths=_RECORDS)]))


def recording_below(root: Path, tips: Iterable[str], there: Mapping[str, str], folder: str) -> list[str]:
    """The unpushed commits that change pipelines or records of content below a folder, which ends with '/' or is ''."""
    return _listed(root, tips, there, "--full-history", paths=[f":(top,glob){_literal(folder)}**/{name}" for name in _NAMES])


def _literal(folder: str) -> str:
    """A folder as a pattern of Git that means just it."""
    return re.sub(r"([*?\[\\])", r"\\\1", folder)


def projects(root: Path) -> list[str]:
    """The folders of the DVC projects that are committed, from the top of the repository; each ends with '/', or is ''."""
    listed = git.run(root, "ls-files", "-z", "--", ":(top,glob)**/.dvc/config").text.split("\0")
    return [path.removesuffix(".dvc/config") for path in listed if path]


def _listed(root: Path, tips: Iterable[str], there: Mapping[str, str], *args: str, paths: Iterable[str] = ()) -> list[str]:
    oids = list(dict.fromkeys(there.values()))
    known = git.run(root, "cat-file", "--batch-check=%(objectname)", stdin="".join(f"{oid}\n" for oid in oids).encode())
    rows = [*tips, *(f"^{row}" for row in known.text.splitlines() if not row.endswith(" missing"))]
    # replaced by ids on standard input: there may be thousands
    return git.run(
        root, "rev-list", *args, "--stdin", "--", *paths, stdin="".join(f"{row}\n" for row in rows).encode()
    ).text.split()


def uncommitted(root: Path) -> list[str]:
    """The tracked files that differ from HEAD, from the top of the repository."""
    rows = git.run(root, "status", "--porcelain", "-z", "--untracked-files=no", "--no-renames").text.split("\0")
    return [row[3:] for row in rows if row]


def push(root: Path, branch: Branch) -> None:
    """Send the branch as it is told, however far it went meanwhile, and follow it from now on.

    Raises MlgitError where the remote has commits that are not here, and with its words where it refuses.
    """
    spec = f"{branch.commit}:refs/heads/{branch.name}"
    done = git.run(root, "push", "--porcelain", "--no-follow-tags", "--", branch.remote, spec, check=False)
    if done.code:
        said = done.text + _said(done)
        # it may be there by the push of a killed command, which went on by itself
        if refs_of(root, branch.remote).get(f"refs/heads/{branch.name}") != branch.commit:
            raise _refused(branch, said)
    if not branch.is_followed:
        git.run(root, "config", f"branch.{branch.name}.remote", branch.remote)
        git.run(root, "config", f"branch.{branch.name}.merge", f"refs/heads/{branch.name}")


def fetch(root: Path, branch: Branch, there: Mapping[str, str]) -> list[str]:
    """Bring the remote's commits of a branch and the refs of monitoring, runs and templates; notes of those that went apart."""
    head = f"refs/heads/{branch.name}"
    if head in there:
        done = git.run(root, "fetch", "--quiet", "--", branch.remote, head, check=False)
        if done.code:
            is_local = re.search(r"cannot open '.*FETCH_HEAD'|unable to (?:create|write)", _said(done))
            hint = "it is written into this clone, which has to allow it" if is_local else "`git remote -v` lists the remotes"
            raise MlgitError(f"fetching from '{branch.remote}' failed: {_last(_said(done))}", hint)
    return shared_refs.fetch(root, branch.remote, there)


def ahead(root: Path, branch: Branch, there: Mapping[str, str]) -> str:
    """The remote's commit of a branch where it continues the one here, '' where it has nothing new.

    Raises MlgitError where the two went apart: nothing is merged unasked.
    """
    tip = there.get(f"refs/heads/{branch.name}", "")
    if not tip or git.is_ancestor(root, tip, branch.commit):
        return ""
    if git.is_ancestor(root, branch.commit, tip):
        return tip
    one, other = git.line(root, "rev-list", "--left-right", "--count", f"{branch.commit}...{tip}").split()
    theirs = f"{branch.remote}/{branch.name}"
    raise MlgitError(
        f"'{branch.name}' and '{theirs}' went apart: {one} here that are not there, and {other} there that are not here",
        f"`git rebase {theirs}` or `git merge {theirs}`, then `mlgit pull` brings the data",
    )


def forward(root: Path, branch: Branch, tip: str) -> None:
    """Take the branch and the workspace on to a commit that continues it. Raises MlgitError where files would be lost."""
    done = git.run(root, "merge", "--ff-only", "--quiet", tip, check=False)
    if done.code:
        said = [line.strip() for line in _said(done).splitlines() if line.startswith("\t")]
        told = f": {', '.join(said)}" if said else f": {_last(_said(done))}"
        raise MlgitError(
            f"files that are not committed stand in the way of '{branch.remote}'{told}", "commit them, or `git stash`"
        )


def _refused(branch: Branch, said: str) -> MlgitError:
    if any(word in said for word in ("fetch first", "non-fast-forward", "cannot lock ref", "failed to update ref")):
        return overtaken(branch)
    told = [line.removeprefix("remote:").strip() for line in said.splitlines() if line.startswith("remote:")]
    reason = "; ".join(line for line in told if line) or _last(said)
    return MlgitError(
        f"'{branch.remote}' does not take the branch '{branch.name}': {reason}",
        "its data was sent; push again once this is mended",
    )


def overtaken(branch: Branch) -> MlgitError:
    """The error where others have pushed to the branch what is not here."""
    return MlgitError(
        f"'{branch.remote}' has commits of '{branch.name}' that are not here", "`mlgit pull` brings them; then push again"
    )


def _said(done: Completed) -> str:
    return done.stderr.decode(errors="replace")


def _last(said: str) -> str:
    lines = [line for line in said.splitlines() if line and not line.startswith("hint:")]
    told = [line for line in lines if line.startswith(("fatal:", "error:"))]
    return (told or lines or ["Git gave no reason"])[0].removeprefix("fatal: ").removeprefix("error: ")
