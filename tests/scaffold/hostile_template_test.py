"""Templates by people who mean harm: each is refused with its file named, at once, and nothing is written."""

import subprocess
import time

import pytest

from mlgit.adapters.git import foreign
from mlgit.adapters.system.process import Bounds
from mlgit.errors import MlgitError
from mlgit.scaffold import limits, sources
from tests.kit import git

MANIFEST = "mlgit_template: 1\nname: demo\nversion: 1.0.0\ndescription: a\n"


def store(root, kind, content):
    """An object that Git would not have made itself; its id."""
    done = subprocess.run(
        ["git", "hash-object", "-t", kind, "--literally", "-w", "--stdin"],
        cwd=root,
        input=content,
        capture_output=True,
        check=True,
    )
    return done.stdout.decode().strip()


def tree(root, *rows):
    """A tree of (mode, name, id), in this order."""
    return store(
        root, "tree", b"".join(b"%s %s\0" % (mode.encode(), name.encode()) + bytes.fromhex(oid) for mode, name, oid in rows)
    )


def hostile(root, *rows):
    """A repository whose template has these rows in its files/, as a source."""
    git(root, "init", "--quiet")
    text = store(root, "blob", MANIFEST.encode())
    top = tree(root, ("40000", "files", tree(root, *rows)), ("100644", "template.yaml", text))
    git(root, "update-ref", "refs/heads/main", git(root, "commit-tree", "-m", "x", top))
    return sources.parse(f"file://{root}@main")


@pytest.mark.parametrize(
    ("mode", "name", "said"),
    [
        ("120000", "link", "demo/files/link: a symbolic link"),
        ("160000", "sub", "demo/files/sub: a submodule"),
        ("100644", "..", "not a plain path"),
        ("100644", ".git", "inside a `.git`"),
        ("100644", "dot_git", "inside a `.git`"),
        ("100644", ".GIT", "inside a `.git`"),
        ("100644", "GIT~1", "inside a `.git`"),
        ("100644", ".g\u200cit", "nobody sees"),
        ("100644", ".git ", "ends with a space"),
        ("100644", ".git::$INDEX_ALLOCATION", "not every file system"),
        ("100644", "a\\..\\b", "not every file system"),
        ("100644", "a\u202egpj.exe", "nobody sees"),
        ("100644", "a\n\x1b[2J", "nobody sees"),
        ("100644", "-rf", "take for an option"),
        ("100644", "nul.txt", "a device"),
        ("100644", "x" * 200, "too long"),
    ],
)
def test_entry_of_a_repository_that_is_no_plain_file_is_refused(tmp_path, mode, name, said):
    source = hostile(tmp_path / "demo", (mode, name, store_in(tmp_path / "demo")))
    with pytest.raises(MlgitError, match=said):
        sources.read(source)


def store_in(root):
    """A blob with a few bytes in a new repository."""
    root.mkdir()
    git(root, "init", "--quiet")
    return store(root, "blob", b"/etc/passwd")


def test_folder_that_holds_a_name_twice_is_refused(tmp_path):
    oid = store_in(tmp_path / "demo")
    with pytest.raises(MlgitError, match="demo/files/a: more than once in its folder"):
        sources.read(hostile(tmp_path / "demo", ("100644", "a", oid), ("100644", "a", oid)))


@pytest.mark.parametrize("depth", [30, 60])
def test_folders_that_hold_each_other_many_times_are_refused_at_once(tmp_path, depth):
    root = tmp_path / "demo"
    inner = tree(root, ("100644", "f", store_in(root)) if depth == 30 else ("40000", "e", store_empty(root)))
    for _ in range(depth):
        inner = tree(root, *(("40000", name, inner) for name in "abcd"))
    source = hostile(root, ("40000", "a", inner))
    start = time.monotonic()
    with pytest.raises(MlgitError, match="too many files below"):
        sources.read(source)
    assert time.monotonic() - start < 10


def store_empty(root):
    """A folder with nothing in it, in a new repository."""
    store_in(root)
    return store(root, "tree", b"")


def test_huge_file_of_a_repository_is_refused_before_it_is_read(tmp_path):
    root = tmp_path / "demo"
    store_in(root)
    huge = store(root, "blob", bytes(limits.LARGEST_FILE + 1))
    with pytest.raises(MlgitError, match=r"demo/files/zeros: 10,485,761 bytes, and a file of a template has"):
        sources.read(hostile(root, ("100644", "zeros", huge)))


def test_too_many_files_and_too_many_bytes_are_refused():
    with pytest.raises(MlgitError, match="demo: 2,001 files"):
        limits.check_sizes({f"files/{number}": 1 for number in range(2001)}, name="demo")
    with pytest.raises(MlgitError, match="larger than 52,428,800 bytes in all, the largest of them files/5"):
        limits.check_sizes({f"files/{number}": (9 << 20) + number for number in range(6)}, name="demo")


def test_repository_that_sends_too_much_is_refused(tmp_path, monkeypatch):
    import os

    root = tmp_path / "demo"
    store_in(root)
    source = hostile(root, ("100644", "noise", store(root, "blob", os.urandom(3 << 20))))
    monkeypatch.setattr(foreign, "NETWORK", Bounds(seconds=60, file_size=1 << 20))
    with pytest.raises(MlgitError, match=r"demo: sends more than 1 MiB, more than templates take"):
        sources.read(source)


def test_host_that_never_answers_is_given_up(tmp_path, monkeypatch):
    script = tmp_path / "ssh"
    script.write_text("#!/bin/sh\nsleep 60\n")
    script.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(script))
    monkeypatch.setattr(foreign, "NETWORK", Bounds(seconds=0.5, file_size=1 << 20))
    start = time.monotonic()
    with pytest.raises(MlgitError, match=r"ssh://host/x.git: no answer within 0.5 s"):
        sources.read(sources.parse("ssh://host/x.git@v1"))
    assert time.monotonic() - start < 10
