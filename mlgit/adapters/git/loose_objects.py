"""Objects of Git, written by this process: as many as a run logs in a second would be slow through a process each."""

from __future__ import annotations

import hashlib
import os
import re
import zlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from mlgit.adapters.git import git
from mlgit.errors import MlgitError

FILE, FOLDER = "100644", "40000"
TreeRows = dict[str, tuple[str, str]]  # name -> mode, id
_PLAIN = 3000
_SHA256 = re.compile(rb"(?im)^\s*objectformat\s*=\s*\"?sha256")


class LooseObjects:
    """Writes objects into a repository, each once, under SHA-1 or SHA-256 names as its configuration says."""

    def __init__(self, shared_folder: Path) -> None:
        self._folder = f"{shared_folder}/objects"
        config = b""
        with suppress(FileNotFoundError):
            config = (shared_folder / "config").read_bytes()
        self._digest = hashlib.sha256 if _SHA256.search(config) else hashlib.sha1
        self._n_bytes = self._digest().digest_size

    @property
    def nothing(self) -> str:
        """The id that stands for no object."""
        return "0" * (2 * self._n_bytes)

    def blob(self, content: bytes) -> str:
        """Store a file's content; its id."""
        return self._store(b"blob", content)

    def tree(self, rows: Iterable[tuple[str, str, str]]) -> str:
        """Store a folder of (name, mode, id); its id."""
        # Git orders a folder as if its name ended with a slash
        ordered = sorted(rows, key=lambda row: os.fsencode(f"{row[0]}/" if row[1] == FOLDER else row[0]))
        lines = (b"%s %s\0%s" % (mode.encode(), os.fsencode(name), bytes.fromhex(oid)) for name, mode, oid in ordered)
        return self._store(b"tree", b"".join(lines))

    def rows(self, content: bytes) -> TreeRows:
        """What stands in a folder, from the content of its object."""
        found: TreeRows = {}
        position = 0
        while position < len(content):
            end = content.index(b"\0", position)
            mode, _, name = content[position:end].partition(b" ")
            position = end + 1 + self._n_bytes
            found[os.fsdecode(name)] = (mode.decode(), content[end + 1 : position].hex())
        return found

    def folder(self, files: Mapping[str, str]) -> str:
        """Store a folder of files by path with '/' and the ids of their blobs; its id."""
        rows: list[tuple[str, str, str]] = []
        below: dict[str, dict[str, str]] = {}
        for path, oid in files.items():
            name, slash, rest = path.partition("/")
            if slash:
                below.setdefault(name, {})[rest] = oid
            else:
                rows.append((name, FILE, oid))
        return self.tree([*rows, *((name, FOLDER, self.folder(inner)) for name, inner in below.items())])

    def commit(self, tree: str, *, message: str, signature: str, parents: Iterable[str] = ()) -> str:
        """Store a commit by `signature` (`NAME <EMAIL> SECONDS ZONE`); its id. No setting changes what is written."""
        head = [f"tree {tree}", *(f"parent {each}" for each in parents), f"author {signature}", f"committer {signature}"]
        return self._store(b"commit", ("\n".join(head) + f"\n\n{message.rstrip()}\n").encode("utf-8", "replace"))

    def _store(self, kind: bytes, content: bytes) -> str:
        whole = b"%s %d\0%s" % (kind, len(content), content)
        oid = self._digest(whole).hexdigest()
        folder = f"{self._folder}/{oid[:2]}"
        path = f"{folder}/{oid[2:]}"
        if not os.path.exists(path):
            try:
                self._write(folder, path, _deflated(whole))
            except OSError as error:
                raise MlgitError(
                    f"{folder}: cannot be written: {error.strerror}", "see that there is room, and whose it is"
                ) from error
        return oid

    def _write(self, folder: str, path: str, content: bytes) -> None:
        # Git removes what a killed process left under such a name
        temporary = os.path.join(folder, f"tmp_obj_{os.urandom(6).hex()}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            descriptor = os.open(temporary, flags, 0o444)
        except FileNotFoundError:
            os.makedirs(folder, exist_ok=True)
            descriptor = os.open(temporary, flags, 0o444)
        try:
            try:
                written = os.write(descriptor, content)
                while written < len(content):
                    written += os.write(descriptor, memoryview(content)[written:])
            finally:
                os.close(descriptor)
            os.rename(temporary, path)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(temporary)
            raise


def _deflated(content: bytes) -> bytes:
    """Content as zlib has it; a small one as it is: to set up a compressor takes longer than all else about the object."""
    size = len(content)
    if size > _PLAIN:
        return zlib.compress(content, 1)
    sizes = size.to_bytes(2, "little") + (size ^ 0xFFFF).to_bytes(2, "little")
    return b"\x78\x01\x01" + sizes + content + zlib.adler32(content).to_bytes(4, "big")


def shared_folder(root: Path) -> Path:
    """The folder of a repository that all of its working trees share."""
    own = root / ".git"
    if own.is_dir() and not own.is_symlink():
        return own
    return Path(git.line(root, "rev-parse", "--path-format=absolute", "--git-common-dir"))
