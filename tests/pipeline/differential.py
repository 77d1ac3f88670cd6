"""One generated project in two copies, `mlgit run` in one and `dvc repro` in the other, through a row of changes."""

from __future__ import annotations

import contextlib
import difflib
import io
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import dvc.cli
import yaml

from mlgit.cli import error_boundary
from tests.kit import Completed, git, repository, write_tree
from tests.pipeline.generator import Made, generate

Step = tuple[str, Callable[[Path], object]]
Tree = dict[str, object]


def call(program: Callable[[list[str]], int | None], root: Path, *args: str) -> Completed:
    """Run a program's main function in a folder; dvc takes half a second to start, and a project needs it often."""
    before, out = Path.cwd(), io.StringIO()
    os.chdir(root)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            code = program(list(args))
    finally:
        os.chdir(before)
    return Completed(code or 0, out.getvalue())


def run_dvc(root: Path, *args: str) -> Completed:
    """DVC in this process."""
    return call(dvc.cli.main, root, *args)


def run_mlgit(root: Path, *args: str) -> Completed:
    """mlgit in this process."""
    return call(error_boundary.run, root, *args)


def tree(root: Path) -> Tree:
    """Everything below a folder but Git's and temporary files: bytes and executable bits, and where links lead.

    What .dvcignore leaves out of a folder is left out here: when a folder's result is there already, mlgit leaves it
    alone, while dvc takes it away and puts it back.
    """
    ignoring = "tmp" in (root / ".dvcignore").read_text()
    return {path: row for path, row in _rows(root) if not (ignoring and path.endswith(("/x.tmp", "/tmp-kept")))}


def _rows(root: Path) -> Iterator[tuple[str, object]]:
    for at, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name != ".git" and not (name == "tmp" and at.endswith("/.dvc"))]
        yield from ((os.path.relpath(f"{at}/{name}", root) + "/", None) for name in folders)
        for name in names:
            path = f"{at}/{name}"
            link = os.readlink(path).replace(str(root), "") if os.path.islink(path) else ""
            mode = os.stat(path).st_mode & (0o777 if "/cache/" in path else 0o300)
            yield os.path.relpath(path, root), (Path(path).read_bytes(), oct(mode), link)


def differences(one: Path, other: Path) -> dict[str, tuple[object, object]]:
    """Paths whose content is not the same in two copies."""
    ours, theirs = tree(one), tree(other)
    return {
        path: (ours.get(path, "absent"), theirs.get(path, "absent"))
        for path in sorted(ours.keys() | theirs.keys())
        if ours.get(path, "absent") != theirs.get(path, "absent")
    }


def _described(path: str, ours: object, theirs: object) -> str:
    """One difference as a person wants to read it."""
    if not (isinstance(ours, tuple) and isinstance(theirs, tuple)):
        return f"{path}: {ours} here, {theirs} after dvc"
    rows = [content[0].decode(errors="replace").splitlines() for content in (ours, theirs)]
    return "\n".join([f"{path}: {ours[1:]}, {theirs[1:]}", *difflib.unified_diff(*rows, "mlgit", "dvc", n=1, lineterm="")])


def steps(made: Made, seed: int) -> list[Step]:
    """What happens to a project, in order; each step is followed by a run."""
    rng = random.Random(seed)
    source = rng.choice(made.inputs)
    values = {**made.params, "p0": "other"}
    values["group"] = {**made.params["group"], "depth": 99}  # type: ignore[dict-item]
    found: list[Step] = [
        ("first", lambda root: None),
        ("input", lambda root: (root / source).write_text("changed\n")),
        ("param", lambda root: _dump(root / "params.yaml", values)),
    ]
    if made.data:
        tracked = rng.choice(made.data)
        found.append((f"change data {tracked}", lambda root: _tamper(root / tracked)))
    if made.outs:
        lost, tampered = rng.choice(made.outs), rng.choice(made.outs)
        found.append((f"delete {lost}", lambda root: _delete(root / lost)))
        found.append((f"tamper {tampered}", lambda root: _tamper(root / tampered)))
    if made.stages:
        frozen = rng.choice(made.stages)
        found.append((f"freeze {frozen}", lambda root: (_freeze(root, frozen), (root / source).write_text("while frozen\n"))))
        found.append((f"unfreeze {frozen}", lambda root: _write_declared(root, made)))
    found.append(("revert", lambda root: (root / source).write_text(made.files[source])))
    found.append(("revert parameters", lambda root: (root / "params.yaml").write_text(made.files["params.yaml"])))
    return found


def _dump(path: Path, document: object) -> None:
    path.write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=1000))


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _tamper(path: Path) -> None:
    if path.is_dir():
        (path / "extra").write_text("x")
    elif path.exists():
        path.unlink()  # it may be a link into the cache
        path.write_text("tampered")


def _freeze(root: Path, address: str) -> None:
    file, _, name = address.rpartition(":")
    path = root / (file or "dvc.yaml")
    document = yaml.safe_load(path.read_text())
    document["stages"][name]["frozen"] = True
    _dump(path, document)


def _write_declared(root: Path, made: Made) -> None:
    write_tree(root, {path: text for path, text in made.files.items() if path.endswith("dvc.yaml")})


def prepare(folder: Path, seed: int) -> tuple[Made, Path, Path]:
    """A generated project in two equal copies."""
    made = generate(seed)
    ours, theirs = folder / "a", folder / "b"
    for root in (ours, theirs):  # made twice and not copied: DVC's order is that in which the system lists a folder
        write_tree(repository(root), made.files)
        for path in made.data:
            assert run_dvc(root, "add", "--quiet", path).code == 0
        git(root, "add", "--all", "--", ".")
    return made, ours, theirs


def compare(ours: Path, theirs: Path, *, always: bool, options: tuple[str, ...] = ()) -> bool:
    """Run in both copies and hold the results against each other; False where both programs refuse."""
    ran, reproduced = run_mlgit(ours, "run", *options), run_dvc(theirs, "repro", "--all-pipelines", "--quiet")
    assert (ran.code == 0) == (reproduced.code == 0), f"mlgit: {ran.out}\ndvc: {reproduced.out}"
    if ran.code != 0:
        return False
    found = [_described(path, *contents) for path, contents in differences(ours, theirs).items()]
    assert not found, "\n".join(found)
    if not always:
        _check_nothing_left(ours, theirs)
    return True


def _check_nothing_left(ours: Path, theirs: Path) -> None:
    assert "up to date" in (said := run_dvc(ours, "status").out), said
    assert "up to date" in (said := run_dvc(ours, "repro", "--all-pipelines").out), said
    assert run_mlgit(theirs, "status").code == 0
    counts = run_mlgit(theirs, "run", "--json").json["counts"]
    assert {state for state, number in counts.items() if number} <= {"unchanged"}, counts
