"""One ref of a remote that several people write: where it is, its commits, and a push that never overwrites another's."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from mlgit.adapters.git import git, remote_tags
from mlgit.adapters.git.remote_tags import Pushed
from mlgit.errors import MlgitError


def look(root: Path, remote: str, ref: str) -> str:
    """Where a remote (a name or an address) has a ref; '' where it has none, or shows none.

    Raises MlgitError when it does not answer.
    """
    done = git.run(root, "ls-remote", "--quiet", "--", remote, ref, check=False)
    if done.code:
        raise remote_tags.silent(remote, remote_tags.last_line(done))
    rows = [row.partition("\t") for row in done.text.splitlines()]
    return next((oid for oid, _, name in rows if name == ref), "")  # a pattern matches the end of a name, too


def bring(root: Path, remote: str, ref: str, *, known: Collection[str] = ()) -> str:
    """Fetch what a ref of a remote leads to, without moving any ref here; where it is there.

    What is `known` is here as a whole. Raises MlgitError where the remote does not give it.
    """
    oid = look(root, remote, ref)
    if not oid or oid in known:
        return oid
    # A partial clone would fetch each file by itself when it is read
    kept = ["--no-filter", "--no-tags", "--no-prune", "--no-write-fetch-head", "--no-recurse-submodules"]
    done = git.run(root, "fetch", "--quiet", *kept, "--", remote, ref, check=False)
    if done.code:
        raise MlgitError(
            f"fetching {ref} from '{remote}' failed: {remote_tags.last_line(done)}", f"`git fetch {remote} {ref}` tells more"
        )
    if git.run(root, "cat-file", "-e", oid, check=False).code:
        raise MlgitError(f"{ref} of '{remote}' was rewritten while it was fetched", "try again")
    return oid


def send(root: Path, remote: str, ref: str, oid: str) -> Pushed:
    """Take a ref of a remote on to a commit that continues it. `overtaken` where somebody else was faster."""
    spec = f"{oid}:{ref}"
    done = git.run(root, "push", "--porcelain", "--no-follow-tags", "--", remote, spec, check=False)
    return remote_tags.outcome(done, remote, [spec])
