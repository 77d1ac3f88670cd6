"""Many commits on many refs at once, as one pack: `git fast-import`, which moves no ref where the stream breaks off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mlgit.adapters.git import git
from mlgit.adapters.system import process
from mlgit.errors import MlgitError

# More loose refs than this make every listing slow.
_MANY_REFS = 500


@dataclass(frozen=True, slots=True)
class NewCommit:
    """A commit of files, and the ref that goes there; `parent` is '' for none, else where the ref is, if it exists.

    `keeps`: what else the parent holds stays, and a file without content is taken away.
    """

    ref: str
    parent: str
    message: str
    signature: str
    files: Mapping[str, bytes | None]
    keeps: bool = False


def write(root: Path, commits: Iterable[NewCommit]) -> int:
    """Write commits and move their refs; how many. What `commits` raises is raised, and nothing is written then.

    Raises MlgitError where Git refuses one: it has moved meanwhile.
    """
    argv = ["git", "fast-import", "--quiet", "--done"]
    pipe, env = process.PIPE, git.environment(root)
    child = process.start(argv, cwd=root, env=env, stdin=pipe, stdout=process.DEVNULL, stderr=pipe)
    assert child.stdin
    count = 0
    try:
        with suppress(BrokenPipeError):  # Git says why
            for each in commits:
                child.stdin.write(_stream(each))
                count += 1
            child.stdin.write(b"done\n")
    except BaseException:
        child.kill()
        child.communicate()
        raise
    _, said = child.communicate()
    if child.returncode:
        told = said.decode("utf-8", "replace").strip().splitlines()
        raise MlgitError(f"git fast-import: {told[0] if told else 'ended without a word'}", "try again")
    if count > _MANY_REFS:
        git.run(root, "pack-refs", "--all")
    return count


def _stream(each: NewCommit) -> bytes:
    head = f"commit {each.ref}\ncommitter {each.signature}\n".encode()
    parts = [head, _data(each.message.encode("utf-8", "replace"))]
    if each.parent:
        parts += [f"from {each.parent}\n".encode(), b"" if each.keeps else b"deleteall\n"]
    for path, content in each.files.items():
        parts += [f"D {path}\n".encode()] if content is None else [f"M 100644 inline {path}\n".encode(), _data(content)]
    return b"".join(parts)


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)
