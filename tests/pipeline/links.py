"""Projects whose workspace is linked to the cache in every way DVC knows, in two copies that go through the same steps."""

from __future__ import annotations

import itertools
import os
import random
import re
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.kit import git, repository, write_tree
from tests.pipeline.differential import run_dvc, run_mlgit

KINDS = ("reflink", "hardlink", "symlink", "copy")
CONFIGURATIONS = tuple(",".join(row) for length in range(1, 5) for row in itertools.permutations(KINDS, length))

PIPELINE = """\
stages:
  folder:
    cmd: sh folder.sh
    deps: [input, folder.sh]
    outs: [made]
  files:
    cmd: sh files.sh
    deps: [input, made]
    outs: [one, empty, tool]
    metrics: [{number: {cache: false}}]
    plots: [curve]
"""
FOLDER = """\
mkdir -p made/below
cp input made/a
cp input made/same
cat input input > made/below/b
: > made/empty
printf '#!/bin/sh\\n' > made/tool
printf 'fixed\\n' > made/fixed
chmod 755 made/tool
chmod 640 made/fixed
"""
FILES = """\
cp input one
: > empty
printf '#!/bin/sh\\nexit 0\\n' > tool
chmod 755 tool
wc -c < input > number
cat input made/a > curve
chmod 600 curve
"""
Row = tuple[object, ...]


def project(root: Path, *, types: str, cache: Path | None = None, config: str = "") -> Path:
    """A project that links as `types` says, to a cache of its own or in the folder `cache`."""
    files = {"dvc.yaml": PIPELINE, "folder.sh": FOLDER, "files.sh": FILES, "input": "1\n"}
    where = f"    dir = {cache}\n" if cache else ""
    files[".dvc/config"] = f"[cache]\n    type = {types}\n{where}{config}"
    write_tree(repository(root), files)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "Start")
    return root


def rows(root: Path, cache: Path | None = None) -> dict[str, Row]:
    """What lies in a project and its cache, by path: kind, mode, bytes, and all names of the same file."""
    places = {"": root, "cache/": cache or root / ".dvc/cache"}
    found = {f"{prefix}{path}": full for prefix, place in places.items() for path, full in _files(place, cache is None, root)}
    names: dict[int, list[str]] = {}
    for path, full in sorted(found.items()):
        names.setdefault(os.lstat(full).st_ino, []).append(path)
    return {path: (*_row(full, root, cache), names[os.lstat(full).st_ino]) for path, full in found.items()}


def _files(place: Path, inside: bool, root: Path) -> Iterator[tuple[str, Path]]:
    for at, folders, files in os.walk(place):
        if Path(at) == root:
            folders[:] = [name for name in folders if name not in (".git", ".dvc")]
        yield from ((os.path.relpath(f"{at}/{name}", place), Path(at, name)) for name in files)


def _row(path: Path, root: Path, cache: Path | None) -> Row:
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        return "link", os.readlink(path).replace(str(cache or root / ".dvc/cache"), "cache"), path.read_bytes()
    # DVC takes the executable bit of a linked output from its object at the next look, with the output's own; mlgit does not
    mode = found.st_mode & (0o666 if "/files/md5/" in str(path) else 0o777)
    return "file", oct(mode), path.read_bytes()


def differences(ours: Path, theirs: Path, caches: tuple[Path, Path] | None = None) -> list[str]:
    """Where two copies are not the same, in words."""
    one, other = rows(ours, caches[0] if caches else None), rows(theirs, caches[1] if caches else None)
    return [
        f"{path}: mlgit {one.get(path, 'absent')}, dvc {other.get(path, 'absent')}"
        for path in sorted(one.keys() | other.keys())
        if one.get(path) != other.get(path)
    ]


def _rewrite(path: Path, text: str) -> None:
    path.unlink()
    path.write_text(text)


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def _retype(root: Path) -> None:
    """Let the workspace be linked in the reversed order of types."""
    config = root / ".dvc/config"
    head, types, tail = re.split(r"(?<=type = )(.*)", config.read_text(), maxsplit=1)
    config.write_text(head + ",".join(reversed(types.split(","))) + tail)


def _delete(root: Path, *paths: str) -> None:
    for path in paths:
        shutil.rmtree(root / path) if (root / path).is_dir() else (root / path).unlink()


Step = tuple[str, Callable[[Path], object]]
STEPS: tuple[Step, ...] = (
    ("first", lambda root: None),
    ("rerun", lambda root: (root / "input").write_text("2\n")),
    ("restore deleted", lambda root: _delete(root, "made", "one", "tool", "curve")),
    (
        "restore changed",
        lambda root: (_rewrite(root / "one", "x"), _rewrite(root / "made/a", "x"), _delete(root, "made/empty")),
    ),
    ("restore from run cache", lambda root: (root / "input").write_text("1\n")),
    ("third", lambda root: (root / "input").write_text("3\n")),
)


def run(ours: Path, theirs: Path, *, refused: bool, caches: tuple[Path, Path] | None = None) -> None:
    """Take both copies through the steps, running after each; they have to stay the same, or the first is refused."""
    for name, change in STEPS:
        for root in (ours, theirs):
            change(root)
        done, reproduced = run_mlgit(ours, "run", "-j1"), run_dvc(theirs, "repro", "--quiet")
        assert (done.code != 0, reproduced.code != 0) == (refused, refused), f"{name}: mlgit: {done.out}\ndvc: {reproduced.out}"
        if refused:
            assert "no link to the cache" in done.out
            assert _text(ours / "dvc.lock") == _text(theirs / "dvc.lock")
            assert not [path for path in rows(ours) if path.endswith(".tmp")]
            return
        found = differences(ours, theirs, caches)
        assert not found, "\n".join([name, *found])


def drawn(seed: int, number: int) -> list[str]:
    """Some of the configurations; all of them when there are not so many."""
    return random.Random(seed).sample(CONFIGURATIONS, min(number, len(CONFIGURATIONS)))


DATA = ("data", "lone", "script", "nothing")


def add(ours: Path, theirs: Path, *, caches: tuple[Path, Path] | None = None) -> None:
    """Track data in both copies, change some of it, track it again, and lose it; they have to stay the same."""
    steps: tuple[Step, ...] = (
        (
            "add",
            lambda root: write_tree(root, {"data/a": "1", "data/in/same": "1", "data/empty": "", "lone": "2", "nothing": ""}),
        ),
        ("add again", lambda root: (_rewrite(root / "data/a", "3"), (root / "data/new").write_text("1"))),
        ("add with another type", _retype),
        ("add a copy", lambda root: (_delete(root, "lone"), (root / "lone").write_text("1"))),
    )
    for root in (ours, theirs):
        write_tree(root, {"script": "#!/bin/sh\n"})
        (root / "script").chmod(0o750)
    for name, change in steps:
        for root in (ours, theirs):
            change(root)
        done, added = run_mlgit(ours, "add", *DATA), run_dvc(theirs, "add", "--quiet", *DATA)
        assert (done.code, added.code) == (0, 0), f"{name}: mlgit: {done.out}\ndvc: {added.out}"
        assert ("no link to the cache" in done.out) == ("could not be linked" in added.out)
        found = differences(ours, theirs, caches)
        assert not found, "\n".join([name, *found])
