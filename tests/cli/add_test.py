"""`mlgit add` against `dvc add`: the same `.dvc` files, ignore lines, cache and workspace; what is refused; and kills."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import stat
import subprocess
import sys
import time
from itertools import product
from pathlib import Path

import pytest

from mlgit.adapters.system import files
from tests.conftest import FULL
from tests.kit import commit, dvc, git, program, repository, write_tree
from tests.kit.forked import mlgit

pytestmark = pytest.mark.slow  # many repositories, and DVC itself

NAMES = ["a", "b.txt", "sp ace", "é", "#h", "x[1]", "no", "12", "-d", "a'b", 'q"', "~t", "0b1", "C", "ü ber.csv", "x" * 80]


@pytest.fixture
def project(tmp_path):
    return repository(tmp_path / "project")


def picture(root: Path) -> dict[str, object]:
    """All of a project that `add` may touch: path -> kind, mode, content; links by where they lead."""
    found: dict[str, object] = {}
    for at, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in (".git", "tmp")]
        for name in [*names, *folders]:
            path = Path(at, name)
            if not path.is_symlink() and not path.is_dir() and not path.is_file():
                continue  # a pipe, which nobody may open
            mode = stat.S_IMODE(path.lstat().st_mode)
            shown = path.relative_to(root).as_posix()
            if path.is_symlink():
                found[shown] = ("link", os.readlink(path).replace(str(root), ""))
            elif path.is_dir():
                found[shown] = ("folder", mode)
            else:
                found[shown] = (mode, path.stat().st_nlink, path.read_bytes())
    return found


def random_tree(chance: random.Random, root: Path, *, depth: int = 0) -> None:
    """Files and folders of all kinds below `root`."""
    root.mkdir(exist_ok=True)
    for name in chance.sample(NAMES, chance.randint(0 if depth else 1, 5)):
        path = root / name
        kind = chance.random()
        if kind < 0.25 and depth < 2:
            random_tree(chance, path, depth=depth + 1)
        elif kind < 0.35 and depth:
            (root / "target").write_text("pointed to")
            path.symlink_to("target")
        elif kind < 0.4 and depth:
            path.symlink_to("..", target_is_directory=True)
        else:
            path.write_bytes(chance.choice([b"", b"one", b"two\r\n", chance.randbytes(2000)]))
            path.chmod(chance.choice([0o644, 0o755, 0o600, 0o444]))


def change_something(chance: random.Random, root: Path) -> None:
    files = sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    for path in chance.sample(files, min(len(files), 2)):
        path.unlink()
        if chance.random() < 0.6:
            path.write_bytes(chance.randbytes(30))
    write_tree(root, {f"new/{chance.randint(0, 99)}": "new"})


TYPES = ("reflink,copy", "hardlink", "symlink")


def both(tmp_path: Path, prepare) -> tuple[Path, Path]:
    """Two equal projects, each made by `prepare`."""
    ours, theirs = (repository(tmp_path / name / "project") for name in ("ours", "theirs"))
    for root in (ours, theirs):
        prepare(root)
    return ours, theirs


def assert_same(ours: Path, theirs: Path) -> None:
    one, other = picture(ours), picture(theirs)
    assert {path: one[path] for path in one if one[path] != other.get(path)} == {
        path: other[path] for path in one if path in other and one[path] != other[path]
    }
    assert one == other


@pytest.mark.slow
@pytest.mark.parametrize(("types", "seed"), [*(product(TYPES, range(40)) if FULL else zip(TYPES, range(3), strict=True))])
def test_add_leaves_what_dvc_add_leaves(tmp_path, seed, types):
    def prepare(root: Path) -> None:
        (root / ".dvc/config").write_text(f"[cache]\n    type = {types}\n")
        random_tree(random.Random(seed), root / "data")
        for name in random.Random(seed).sample(NAMES, 3):
            if not name.startswith("-"):
                write_tree(root, {name + "f": name * 3, f"sub/{name}g": name})

    ours, theirs = both(tmp_path, prepare)
    targets = sorted(path.name for path in ours.iterdir() if path.name not in (".git", ".dvc", ".dvcignore", "sub"))
    targets += sorted(f"sub/{path.name}" for path in (ours / "sub").iterdir())
    for step in range(3):
        assert (done := mlgit(ours, "add", *targets)).code == 0, done.said
        assert (done := dvc(theirs, "add", "-q", *targets)).code == 0, done.said
        assert_same(ours, theirs)
        assert dvc(ours, "status", "-q").code == 0
        for root in (ours, theirs):
            change_something(random.Random(seed + step), root / "data")


def test_unchanged_add_writes_nothing_and_reads_no_data(project, cli, monkeypatch):
    write_tree(project, {f"data/{number}": str(number) for number in range(20)})
    assert cli(project, "add", "data").code == 0
    time.sleep(0.05)
    assert cli(project, "add", "data").code == 0  # now everything is old enough to be trusted
    before = picture(project)

    def refuse(*args, **kwargs):
        raise AssertionError("a data file was read")

    monkeypatch.setattr("mlgit.adapters.dvc.ingest.take_all", refuse)
    monkeypatch.setattr("mlgit.adapters.dvc.ingest.take", refuse)
    monkeypatch.setattr("mlgit.adapters.system.files.write_atomic", refuse)
    done = cli(project, "add", "data", "--json")
    assert done.code == 0, done.said
    assert done.json["written"] == []
    assert picture(project) == before


def test_json_says_what_was_added(project, cli):
    write_tree(project, {"data/a": "a", "data/b": "bb", "one.csv": "1"})
    added = cli(project, "add", "data", "one.csv", "--json").json
    assert [(row["path"], row["file"], row["size"], row["nfiles"], row["changed"]) for row in added["added"]] == [
        ("data", "data.dvc", 3, 2, True),
        ("one.csv", "one.csv.dvc", 1, None, True),
    ]
    assert added["written"] == ["data.dvc", ".gitignore", "one.csv.dvc"]


def test_annotations_and_comments_are_kept(tmp_path):
    def prepare(root: Path) -> None:
        write_tree(root, {"data/a": "a"})
        assert dvc(root, "add", "-q", "data").code == 0
        text = (root / "data.dvc").read_text()
        head = "# who made it\ndesc: raw data\nmeta:\n  owner: ada # hers\n"
        (root / "data.dvc").write_text(head + text + "  desc: all of it\n  labels: [x, y]\n")
        write_tree(root, {"data/b": "b"})

    ours, theirs = both(tmp_path, prepare)
    assert mlgit(ours, "add", "data").code == 0
    assert dvc(theirs, "add", "-q", "data").code == 0
    assert "# who made it" in (ours / "data.dvc").read_text()
    assert_same(ours, theirs)


def test_file_inside_a_tracked_folder_is_added_as_dvc_does(tmp_path):
    def prepare(root: Path) -> None:
        write_tree(root, {"data/a": "a", "data/b": "b"})
        assert dvc(root, "add", "-q", "data").code == 0
        write_tree(root, {"data/c": "c", "data/b": "changed, and not added"})

    ours, theirs = both(tmp_path, prepare)
    assert mlgit(ours, "add", "data/c").code == 0
    assert dvc(theirs, "add", "-q", "data/c").code == 0
    assert (ours / "data.dvc").read_bytes() == (theirs / "data.dvc").read_bytes()


def test_from_a_subfolder_of_a_monorepo(tmp_path):
    root = tmp_path / "repo"
    root.mkdir()
    git(root, "init", "-q")
    write_tree(root, {"team/project/deep/data/a": "a", "team/project/other.csv": "o"})
    project = root / "team/project"
    assert dvc(project, "init", "-q", "--subdir").code == 0
    done = mlgit(project / "deep", "add", "data", "../other.csv")
    assert done.code == 0, done.said
    assert (project / "deep/data.dvc").is_file()
    assert (project / "deep/.gitignore").read_text() == "/data\n"
    assert (project / ".gitignore").read_text() == "/other.csv\n"
    assert "git add data.dvc" in done.out
    assert dvc(project, "status", "-q").code == 0


def test_autostage_stages_what_was_written(project, cli):
    (project / ".dvc/config").write_text("[core]\n    autostage = true\n")
    commit(project)
    write_tree(project, {"data.csv": "1"})
    assert cli(project, "add", "data.csv").code == 0
    assert git(project, "diff", "--cached", "--name-only").splitlines() == [".gitignore", "data.csv.dvc"]


STAGE = "stages:\n  make:\n    cmd: make\n    outs:\n    - made/out\n"


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("nothing", "does not exist"),
        ("made/out", "an output of stage 'make'"),
        ("made/out/inner", "inside an output of stage 'make'"),
        ("made", "holds 'made/out'"),
        ("tracked.csv", "already tracked by Git"),
        ("ignored.csv", "left out by .dvcignore"),
        ("../outside.csv", "outside the project"),
        (".", "the project itself"),
        (".dvc/config", "belongs to Git or DVC"),
        ("dvc.yaml", "pipeline file"),
        ("x.dvc", "pipeline file"),
        ("linked", "link to a folder"),
        ("linked/a", "behind a link"),
        ("dangling", "link to nothing"),
        ("inner/a", "another project"),
        ("hidden.csv", "ignored by Git"),
        ("folder/sub", "lies inside 'folder'"),
        ("pipe", "neither a file nor a folder"),
        ("holds", "holds 'holds/x'"),
        ("unreadable", "cannot be read"),
    ],
)
def test_refused_with_nothing_touched(project, cli, target, said):
    write_tree(
        project,
        {
            "dvc.yaml": STAGE,
            "made/out/inner": "i",
            "tracked.csv": "t",
            "ignored.csv": "i",
            ".dvcignore": "ignored.csv\n",
            "../outside.csv": "o",
            "x.dvc": "outs:\n- md5: 401b30e3b8b5d629635a5c613cdb7919\n  size: 2\n  hash: md5\n  path: x\n",
            "folder/a": "a",
            "folder/sub/b": "b",
            "inner/.dvc/config": "",
            "inner/a": "a",
            "hidden.csv": "h",
            ".gitignore": "hidden.csv.dvc\n/made\n",
            "good.csv": "g",
            "holds/x": "x",
            "holds/x.dvc": "outs:\n- md5: 9dd4e461268c8034f5c8564e155c67a6\n  size: 1\n  hash: md5\n  path: x\n",
        },
    )
    git(project, "add", "tracked.csv")
    (project / "linked").symlink_to("folder", target_is_directory=True)
    (project / "dangling").symlink_to("nowhere")
    (project / "unreadable").mkdir()
    (project / "unreadable/a").symlink_to("gone")
    before = picture(project)
    os.mkfifo(project / "pipe")
    done = cli(project, "add", "good.csv", "folder", target)
    assert done.code == 2, done.said
    assert said in done.err
    assert not (project / "good.csv.dvc").exists()
    assert (project / ".gitignore").read_text() == "hidden.csv.dvc\n/made\n"
    (project / "pipe").unlink()
    now = {path: row for path, row in picture(project).items() if not path.startswith(".dvc/")}
    assert now == {path: row for path, row in before.items() if not path.startswith(".dvc/")}


def test_failure_while_writing_leaves_dvc_files_as_they_were(project, cli, monkeypatch):
    write_tree(project, {"a.csv": "a", "b.csv": "b"})
    assert cli(project, "add", "a.csv").code == 0
    before = (project / "a.csv.dvc").read_bytes()
    (project / "a.csv").write_text("changed")
    writes = []
    real = files.write_atomic

    def failing(path, content, **kwargs):
        if path.name in ("b.csv.dvc",):
            writes.append(path)
            raise OSError(28, "No space left on device")
        real(path, content, **kwargs)

    monkeypatch.setattr("mlgit.pipeline.track.files.write_atomic", failing)
    done = cli(project, "add", "a.csv", "b.csv")
    assert done.code != 0
    assert writes
    assert (project / "a.csv.dvc").read_bytes() == before
    assert not (project / "b.csv.dvc").exists()
    assert (project / ".gitignore").read_text() == "/a.csv\n"


def test_path_in_use_is_refused(project):
    write_tree(project, {"data/a": "a"})
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        busy = f'{{"write": {{"{project}/data": {{"pid": {sleeper.pid}, "cmd": "dvc repro"}}}}, "read": {{}}}}'
        write_tree(project, {".dvc/tmp/rwlock": busy})
        done = mlgit(project, "add", "data")
        assert done.code == 2
        assert "in use by `dvc repro`" in done.err
    finally:
        sleeper.kill()
        sleeper.wait()


@pytest.mark.slow
@pytest.mark.parametrize("after", [0.25, 0.4, 0.6, 0.8, 1.0] if FULL else [0.3, 0.6])
def test_killed_add_leaves_no_wrong_object_and_the_next_one_completes(tmp_path, after):
    project = repository(tmp_path / "project")
    for folder in range(30):
        write_tree(project, {f"data/{folder}/{number}": f"{folder} {number}" * 30 for number in range(300)})
    child = subprocess.Popen([sys.executable, "-m", "mlgit", "add", "data"], cwd=project, stdout=subprocess.DEVNULL)
    time.sleep(after)
    child.send_signal(signal.SIGKILL)
    child.wait()
    check_objects(project)
    done = mlgit(project, "add", "data")
    assert done.code == 0, done.said
    check_objects(project)
    assert dvc(project, "status", "-q").code == 0
    assert not program(project, ["git", "status", "--porcelain", "data"]).out


def check_objects(project: Path) -> None:
    """Every object in the cache holds what its name says."""
    for path in (project / ".dvc/cache/files/md5").glob("??/*"):
        if not path.name.startswith("."):
            assert hashlib.md5(path.read_bytes()).hexdigest() == path.parent.name + path.name.removesuffix(".dir"), path
