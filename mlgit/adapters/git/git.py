"""Git in small verbs: bulk reads by plain `git` processes with `-z`, in a scrubbed environment."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

from mlgit.adapters.system import process
from mlgit.errors import MlgitError

# Variables that would point git at another repository or index than the one in `cwd`, or change what an argument means
# (git sets some for hooks, and mlgit may run inside one).
_PIPE = 1 << 15  # bytes that go into a pipe without anybody reading it
_SCRUBBED = {
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_SHALLOW_FILE",
    "GIT_REPLACE_REF_BASE",
    "GIT_CONFIG",  # another file than the repository's, for `git config`
    "GIT_LITERAL_PATHSPECS",
    "GIT_GLOB_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
    "LANGUAGE",  # goes before LC_ALL
}


def environment(cwd: Path | None = None) -> dict[str, str]:
    """The environment for git: without the variables a calling hook leaves behind, with plain English messages, and
    with every object read as it is.

    GIT_DIR stays where it names `cwd` itself, as in a hook of a bare repository, which Git may be told to take only if named.
    """
    env = {key: value for key, value in os.environ.items() if key not in _SCRUBBED}
    env["LC_ALL"] = "C.UTF-8"
    # An object is what its id says: no substitute of `git replace`, and no parents of info/grafts
    env["GIT_NO_REPLACE_OBJECTS"] = "1"
    env["GIT_GRAFT_FILE"] = f"{os.devnull}/none"
    env["GIT_TERMINAL_PROMPT"] = "0"
    named = os.environ.get("GIT_DIR")
    if named and cwd and os.path.realpath(named) == os.path.realpath(cwd):
        env["GIT_DIR"] = str(cwd)
    return env


def run(
    cwd: Path, *args: str, stdin: bytes | None = None, check: bool = True, env: dict[str, str] | None = None
) -> process.Completed:
    """Run `git ARGS` in `cwd`; `env` adds to the scrubbed environment."""
    return process.run(["git", *args], cwd=cwd, stdin=stdin, check=check, env={**environment(cwd), **(env or {})})


def begin(cwd: Path, *args: str) -> Callable[[], process.Completed]:
    """Start `git ARGS` in `cwd`, and go on while it works; a call of what is returned waits for its end, as `run` does."""
    argv = ["git", *args]
    child = process.start(argv, cwd=cwd, env=environment(cwd), stdout=process.PIPE, stderr=process.PIPE)
    return lambda: process.finish(child, argv)


def ask_for_tags(cwd: Path) -> Callable[[], process.Completed]:
    """Ask for all tags, a line each: object id and name below refs/tags/; see `begin`."""
    return begin(cwd, "for-each-ref", "--format=%(objectname) %(refname:lstrip=2)", "refs/tags")


def line(cwd: Path, *args: str) -> str:
    """The one line that `git ARGS` prints."""
    return run(cwd, *args).text.rstrip("\n")


def toplevel(path: Path) -> Path | None:
    """The root of the working tree that holds `path`, or None outside a repository."""
    done = run(path, "rev-parse", "--show-toplevel", check=False)
    return Path(done.text.rstrip("\n")) if done.code == 0 else None


def repository(folder: Path) -> Path | None:
    """The repository that holds a folder: the top of its working tree, or the folder of a bare or mirror repository.

    As Git does, the nearest counts; in none of them, what GIT_DIR names, as for a hook that went elsewhere.
    """
    for each in (folder, *folder.parents):
        if (each / ".git").exists() or (each.name != ".git" and is_bare(each)):
            return each
    named = os.environ.get("GIT_DIR")
    found = Path(os.path.realpath(folder / named)) if named else None
    if found is None or not is_bare(found):
        return None
    return found.parent if found.name == ".git" else found


def is_bare(folder: Path) -> bool:
    """Whether a folder is itself the repository, without a working tree around it."""
    return (folder / "HEAD").is_file() and (folder / "objects").is_dir() and (folder / "refs").is_dir()


def resolve(root: Path, revision: str) -> str:
    """The full commit id of a revision.

    Raises MlgitError when the revision is unknown or is not a commit.
    """
    done = run(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}", check=False)
    if done.code != 0 and revision == "HEAD":
        raise MlgitError("there is no commit yet", "`git add` what belongs to the project, and `git commit`")
    if done.code != 0 and line(root, "rev-parse", "--is-shallow-repository") == "true":
        raise MlgitError(f"'{revision}' is not in this shallow clone", "`git fetch --unshallow` completes it")
    if done.code != 0:
        raise MlgitError(f"unknown revision '{revision}'", "`git log --oneline` and `git branch -a` list what there is")
    return done.text.strip()


def merge_base(root: Path, one: str, other: str) -> str | None:
    """The best common ancestor of two commits, or None for unrelated histories."""
    done = run(root, "merge-base", one, other, check=False)
    if done.code > 1:
        raise process.ProcessError(done)
    return done.text.strip() or None


def is_ancestor(root: Path, one: str, other: str) -> bool:
    """Whether a commit is in the history of another; false for one that is not in this clone."""
    return run(root, "merge-base", "--is-ancestor", one, other, check=False).code == 0


def current_branch(root: Path) -> str | None:
    """The branch that HEAD is on, or None for a detached HEAD."""
    return run(root, "symbolic-ref", "--quiet", "--short", "HEAD", check=False).text.strip() or None


def has_ref(root: Path, ref: str) -> bool:
    """Whether a full ref name exists."""
    return run(root, "show-ref", "--verify", "--quiet", ref, check=False).code == 0


def head(root: Path) -> str:
    """The commit that is checked out, by its full id; '' before the first one."""
    return run(root, "rev-parse", "--verify", "--quiet", "HEAD", check=False).text.strip()


def list_tree(root: Path, revision: str, *, under: str = "") -> dict[str, tuple[str, str, int]]:
    """Every file of a revision: path relative to the repository -> (mode, blob id, size in bytes).

    The size is -1 where it is not known, as of a blob that a partial clone has not fetched or a damaged one lacks.
    """
    args = ["-r", "-z", "--full-tree", revision, "--", *([under] if under else [])]
    # Git would fetch each blob of a partial clone, one after the other, to tell its size
    done = run(root, "ls-tree", "-l", *args, check=False, env={"GIT_NO_LAZY_FETCH": "1"})
    listed = (done if done.code == 0 else run(root, "ls-tree", *args)).text
    found: dict[str, tuple[str, str, int]] = {}
    for row in listed.split("\0"):
        if not row:
            continue
        head, _, path = row.partition("\t")
        mode, kind, blob, *size = head.split()
        if kind == "blob":
            found[path] = (mode, blob, int(size[0]) if size and size[0] != "BAD" else -1)
    return found


def read_objects(root: Path, oids: Iterable[str]) -> dict[str, tuple[str, bytes]]:
    """Objects by id, as (type, content), in one `cat-file --batch` process; a missing id is left out."""
    wanted = list(dict.fromkeys(oids))
    if not wanted:
        return {}
    done = run(root, "cat-file", "--batch", "--buffer", stdin="".join(f"{oid}\n" for oid in wanted).encode())
    found: dict[str, tuple[str, bytes]] = {}
    output, position = done.stdout, 0
    for oid in wanted:
        end = output.index(b"\n", position)
        head = output[position:end].split()
        position = end + 1
        if head[-1] == b"missing":
            continue
        size = int(head[-1])
        found[oid] = (head[1].decode(), output[position : position + size])
        position += size + 1
    return found


def ignored(root: Path, paths: Iterable[str]) -> set[str]:
    """Which of these paths (relative to `root`) Git ignores."""
    rows = "".join(f"{path}\0" for path in paths)
    if not rows:
        return set()
    done = run(root, "check-ignore", "-z", "--stdin", "--no-index", stdin=os.fsencode(rows), check=False)
    if done.code > 1:
        raise process.ProcessError(done)
    return {path for path in done.text.split("\0") if path}


def init(folder: Path, *, branch: str = "main") -> None:
    """Make a repository in an existing folder."""
    # DVC and GitPython know SHA-1 repositories only, whatever init.defaultObjectFormat says
    run(folder, "init", "--quiet", "--object-format=sha1", f"--initial-branch={branch}")


def require_identity(root: Path) -> None:
    """Raise MlgitError unless Git has been told whose commits these are; a name guessed from the host does not count."""
    for role in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"):
        _identity(root, role)


def committer(root: Path) -> str:
    """Who writes commits and tags here, and now: `NAME <EMAIL> SECONDS ZONE`. Raises MlgitError as `require_identity`."""
    return _identity(root, "GIT_COMMITTER_IDENT")


def _identity(root: Path, role: str) -> str:
    done = run(root, "-c", "user.useConfigOnly=true", "var", role, check=False)
    if done.code != 0:
        raise MlgitError(
            f"Git does not know who commits: {done.stderr.decode(errors='replace').strip().splitlines()[-1]}",
            'type `git config --global user.name "Your Name"` and `git config --global user.email you@example.com`',
        )
    return done.text.strip()


def stage_written(root: Path, paths: Iterable[str]) -> None:
    """Stage what a command wrote, as DVC does with `core.autostage`: what Git ignores is left out."""
    wanted = list(dict.fromkeys(paths))
    hidden = ignored(root, wanted)
    if len(hidden) < len(wanted):
        stage(root, [path for path in wanted if path not in hidden])


def stage(root: Path, paths: Iterable[str], *, env: dict[str, str] | None = None) -> None:
    """Stage files by their exact names, ignored or not; `env` adds to the scrubbed environment."""
    rows = "".join(f"{path}\0" for path in paths)
    args = ["--literal-pathspecs", "add", "--force", "--pathspec-from-file=-", "--pathspec-file-nul"]
    run(root, *args, stdin=os.fsencode(rows), env=env)


def commit_all(root: Path, message: str) -> str:
    """Stage everything that is not ignored and commit it, as the user's own configuration says; the new commit id."""
    run(root, "add", "--all")
    run(root, "commit", "--quiet", "--message", message)
    return line(root, "rev-parse", "HEAD")


class IgnoreQuery:
    """Asks one `git check-ignore` process about many paths as a walk comes to them.

    Paths are relative to `root`; a folder's path ends with `/`. Whether a path is tracked does not matter.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        argv = ["git", "check-ignore", "-z", "--stdin", "--no-index", "--verbose", "--non-matching"]
        self._child = process.start(
            argv, cwd=root, env=environment(), stdin=process.PIPE, stdout=process.PIPE, stderr=process.DEVNULL
        )

    def __enter__(self) -> IgnoreQuery:
        return self

    def __exit__(self, *error: object) -> None:
        assert self._child.stdin
        assert self._child.stdout
        self._child.stdin.close()
        self._child.wait()
        self._child.stdout.close()

    def rules(self, paths: list[str]) -> dict[str, tuple[str, str]]:
        """Path -> the pattern that decides about it and the file it stands in ('' where none does)."""
        found: dict[str, tuple[str, str]] = {}
        for asked in _portions(paths):
            fields = self._answers(asked)  # of each path: source, line number, pattern, and the path itself
            found.update(zip(asked, zip(fields[2::4], fields[::4], strict=False), strict=False))
        return found

    def _answers(self, paths: list[str]) -> list[str]:
        assert self._child.stdin
        assert self._child.stdout
        self._child.stdin.write(os.fsencode("".join(f"{path}\0" for path in paths)))
        self._child.stdin.flush()
        blocks: list[bytes] = []
        missing = 4 * len(paths)
        while missing > 0:
            block = os.read(self._child.stdout.fileno(), 1 << 16)
            if not block:
                run(self._root, "rev-parse", "--git-dir")  # says in Git's own words why it does not work here
                raise MlgitError("`git check-ignore` ended unexpectedly", "type `git status` to see whether Git works here")
            blocks.append(block)
            missing -= block.count(b"\0")
        return os.fsdecode(b"".join(blocks)).split("\0")


def _portions(paths: list[str]) -> Iterator[list[str]]:
    """Paths in portions that a pipe holds: Git answers while it is asked, and would wait for its answers to be read."""
    portion: list[str] = []
    size = 0
    for path in paths:
        size += 4 * len(path) + 1  # a character can be four bytes
        if size > _PIPE and portion:
            yield portion
            portion, size = [], 4 * len(path) + 1
        portion.append(path)
    if portion:
        yield portion


def write_tree(root: Path, contents: Mapping[str, tuple[str, bytes]]) -> str:
    """Store files (path -> mode as in `list_tree`, content) as a tree; neither index nor working tree is touched."""
    return _store_folder(_objects(root), contents)


def write_blobs(root: Path, contents: Iterable[bytes]) -> list[str]:
    """Store contents as blobs; their ids, in the same order."""
    objects = _objects(root)
    return [_store(objects, "blob", content) for content in contents]


def _objects(root: Path) -> Any:
    """The repository's objects, to be written to."""
    # Imported when needed. GitPython's own Repo would follow GIT_OBJECT_DIRECTORY out of this repository.
    from gitdb import LooseObjectDB  # type: ignore[import-untyped]

    own = root / ".git" / "objects"
    plain = own.is_dir() and not (root / ".git").is_symlink()  # else a linked working tree, a submodule or a bare repository
    place = str(own) if plain else line(root, "rev-parse", "--path-format=absolute", "--git-path", "objects")
    require_sha1(Path(place).parent)
    return LooseObjectDB(place)


def require_sha1(git_folder: Path) -> None:
    """Raise MlgitError for a repository whose objects have ids that neither DVC nor GitPython can read."""
    with suppress(FileNotFoundError):
        if re.search(rb"(?i)objectformat\s*=\s*\"?sha256", (git_folder / "config").read_bytes()):
            told = f"{git_folder}: the object ids of this repository are SHA-256, and DVC and mlgit read SHA-1"
            raise MlgitError(told, "`git init --object-format=sha1` in a new folder, and bring the files there")


def _store_folder(objects: Any, contents: Mapping[str, tuple[str, bytes]]) -> str:
    rows: list[tuple[str, str, str]] = []
    folders: dict[str, dict[str, tuple[str, bytes]]] = {}
    for path, (mode, content) in contents.items():
        name, slash, rest = path.partition("/")
        if slash:
            folders.setdefault(name, {})[rest] = (mode, content)
        else:
            rows.append((name, mode, _store(objects, "blob", content)))
    rows += [(name, "40000", _store_folder(objects, inner)) for name, inner in folders.items()]
    # Git orders a folder as if its name ended with a slash
    rows.sort(key=lambda row: os.fsencode(row[0] + "/" if row[1] == "40000" else row[0]))
    lines = (mode.encode() + b" " + os.fsencode(name) + b"\0" + bytes.fromhex(oid) for name, mode, oid in rows)
    return _store(objects, "tree", b"".join(lines))


def _store(objects: Any, kind: str, content: bytes) -> str:
    from gitdb import IStream  # see _objects

    oid: str = objects.store(IStream(kind.encode(), len(content), BytesIO(content))).hexsha.decode()
    return oid


def write_commit(root: Path, tree: str, *, message: str, signature: str, parents: Iterable[str] = ()) -> str:
    """Store a commit of `tree` whose author and committer are `signature` (`NAME <EMAIL> SECONDS ZONE`).

    The object is spelled out here, so that no setting (signing, encoding, identity) changes its id.
    """
    head = [f"tree {tree}", *(f"parent {parent}" for parent in parents), f"author {signature}", f"committer {signature}"]
    return _store(_objects(root), "commit", ("\n".join(head) + f"\n\n{message.rstrip()}\n").encode())


def update_ref(root: Path, ref: str, oid: str, *, reason: str, expected: str | None = None) -> None:
    """Point a full ref name at an object; only where it pointed to `expected` before, if that is given ('' for nothing)."""
    before = () if expected is None else (expected or "0" * len(oid),)
    run(root, "update-ref", "-m", reason, ref, oid, *before)
