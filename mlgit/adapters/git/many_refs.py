"""Many refs at once: changed in one transaction, sent and brought by one process. Nothing is overwritten unasked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mlgit.adapters.git import git, remote_tags
from mlgit.errors import MlgitError

# A command line takes this much and more everywhere; a ref of a trial takes some 120 bytes, on either side of the colon.
_LONGEST_LINE = 256 << 10
_ALONE = ["--no-tags", "--no-prune", "--no-prune-tags", "--no-write-fetch-head", "--no-recurse-submodules"]


def delete(root: Path, refs: Mapping[str, str]) -> None:
    """Remove refs, each only while it leads to the object that is given for it: all or none.

    Raises MlgitError where one was moved meanwhile.
    """
    if not refs:
        return
    rows = b"".join(b"delete %s\0%s\0" % (ref.encode("utf-8", "surrogateescape"), oid.encode()) for ref, oid in refs.items())
    done = git.run(root, "update-ref", "-z", "--stdin", stdin=rows, check=False)
    if done.code:
        raise MlgitError(f"nothing was removed: {remote_tags.last_line(done)}", "another command was at work; try again")


def push(root: Path, remote: str, specs: Sequence[str], *, force: bool = False) -> dict[str, str]:
    """Send `ID:REF`, or remove by `:REF`; the refs that the remote does not take, each with its reason.

    Without `force`, a ref that the remote has is only taken on. Raises MlgitError where the remote is not reached.
    """
    refused: dict[str, str] = {}
    kind = ["--force"] if force else []
    for portion in _portions(specs):
        done = git.run(root, "push", "--porcelain", "--no-follow-tags", *kind, "--", remote, *portion, check=False)
        rows = [row.split("\t") for row in done.text.splitlines() if row.count("\t") >= 2]
        refused |= {spec.rpartition(":")[2]: reason for flag, spec, reason, *_ in rows if flag == "!"}
        if done.code and not rows:
            raise MlgitError(
                f"pushing to '{remote}' failed: {remote_tags.last_line(done)}", "`git remote -v` lists the remotes"
            )
    return refused


def fetch(root: Path, remote: str, specs: Sequence[str]) -> None:
    """Bring `REF:REF`, or with `REF` what it leads to and no ref. A ref that is here is only taken on.

    Raises MlgitError where the remote does not give one.
    """
    if not specs:
        return
    listed = "".join(f"{spec}\n" for spec in specs).encode("utf-8", "surrogateescape")
    done = git.run(root, "fetch", "--quiet", *_ALONE, "--stdin", "--", remote, stdin=listed, check=False)
    if done.code:
        raise MlgitError(f"fetching from '{remote}' failed: {remote_tags.last_line(done)}", "try again")


def _portions(specs: Sequence[str]) -> Iterator[list[str]]:
    portion: list[str] = []
    length = 0
    for spec in specs:
        length += len(spec) + 1
        if length > _LONGEST_LINE and portion:
            yield portion
            portion, length = [], len(spec) + 1
        portion.append(spec)
    if portion:
        yield portion
