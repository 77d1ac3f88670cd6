"""`python -m benchmarks.scaffold`: a project made from each template, and one brought to another version of its template.

Beside `mlgit new` the same files are put into Git and DVC by hand: `git init`, `dvc init`, `git add`, `git commit`. Beside
`mlgit template update` Git merges the same changes from a branch, and Python starts and does nothing. All take turns; the
ratios are of medians, and the last column of the least CPU times, which tell most on a machine that is not quiet.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.measure import Measured, middle, once
from benchmarks.tools import BIN, environment
from mlgit.scaffold import library

LINES = 40
BY_HAND = "git init -q && dvc init -q && git add -A && git commit -qm Start"
HEAD = ["| what | files | command | wall s | CPU s | least CPU s | wall / yardstick | CPU / yardstick | of the least |"]
HEAD += ["|---|---:|---|---:|---:|---:|---:|---:|---:|"]

Runs = dict[str, list[Measured]]


def _environment(work: Path) -> dict[str, str]:
    """That of a measured command, with DVC at hand and somebody who commits."""
    person = {f"GIT_{role}_{what}": "ada@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    return environment(work) | person | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}


def _git(folder: Path, *args: str, env: Mapping[str, str]) -> None:
    subprocess.run(["git", *args], cwd=folder, env=dict(env), check=True, stdout=subprocess.DEVNULL)


def made(name: str, rounds: int, work: Path) -> list[str]:
    """Rows for the projects of a template: without features, and with all of them."""
    questions = {each.name: each for each in library.load(name).manifest.questions}
    rows: list[str] = []
    for told, features in ((name, ""), (f"{name}, all features", ",".join(questions["features"].choices))):
        runs: Runs = {}
        env = _environment(work)
        argv = [str(BIN / "mlgit"), "new", "p", "-t", name, "--defaults", "--set", f"features={features}"]
        for _ in range(rounds):
            runs.setdefault("mlgit new", []).append(once(argv, folder=work, env=env))
            files = _bare(work / "p")
            runs.setdefault("by hand", []).append(once(["/bin/sh", "-c", BY_HAND], folder=work / "p", env=env))
            shutil.rmtree(work / "p")
        rows += _rows(told, files, runs, yardstick="by hand")
    return rows


def _bare(project: Path) -> int:
    """Take from a project what Git and DVC have written; how many files are left."""
    for each in (".git", ".dvc"):
        shutil.rmtree(project / each)
    return sum(path.is_file() for path in project.rglob("*"))


def updated(number: int, rounds: int, work: Path) -> list[str]:
    """Rows for an update of so many files, which the user has left alone, or has changed elsewhere."""
    env = _environment(work)
    rows: list[str] = []
    for told, mine in (("update", ""), ("update, each file merged", "mine")):
        _write(work / "template", number, version="1.0.0", first="old")
        _call(work, "new", "p", "-t", "./template", "--defaults", env=env)
        _change(work / "p", number, {"last": mine} if mine else {}, env=env)
        _write(work / "template", number, version="1.1.0", first="new")
        _git(work / "p", "branch", "theirs", "HEAD~1", env=env)
        _git(work / "p", "switch", "-q", "theirs", env=env)
        _change(work / "p", number, {"first": "new"}, env=env)
        _git(work / "p", "switch", "-q", "-", env=env)
        runs: Runs = {}
        for _ in range(rounds):
            argv = [str(BIN / "mlgit"), "template", "update"]
            runs.setdefault("mlgit template update", []).append(once(argv, folder=work / "p", env=env))
            _call(work / "p", "template", "abort", env=env)
            argv = ["git", "merge", "-q", "--no-commit", "--no-ff", "theirs"]
            runs.setdefault("git merge", []).append(once(argv, folder=work / "p", env=env))
            _git(work / "p", "reset", "-q", "--hard", env=env)
            argv = [sys.executable, "-c", "pass"]
            runs.setdefault("python -c pass", []).append(once(argv, folder=work / "p", env=env))
        rows += _rows(told, number, runs, yardstick="python -c pass")
        for each in ("p", "template"):
            shutil.rmtree(work / each)
    return rows


def _call(folder: Path, *args: str, env: Mapping[str, str]) -> None:
    subprocess.run([str(BIN / "mlgit"), *args], cwd=folder, env=dict(env), check=True, capture_output=True)


def _lines(index: int, *, first: str = "old", last: str = "old") -> str:
    return "\n".join([first, *(f"line {line} of file {index}" for line in range(LINES)), last, ""])


def _write(folder: Path, number: int, *, version: str, first: str) -> None:
    """A template of so many files, every other of which is filled in."""
    (folder / "files").mkdir(parents=True, exist_ok=True)
    question = {"type": "str", "doc": "What?", "default": "[[ folder ]]"}
    head = {"mlgit_template": 1, "name": "bench", "version": version, "description": "Many files"}
    (folder / "template.yaml").write_text(json.dumps({**head, "questions": {"name": question}}))
    for index in range(number):
        (folder / "files" / f"f{index}.txt{'.jinja' * (index % 2)}").write_text(_lines(index, first=first))


def _change(project: Path, number: int, lines: Mapping[str, str], *, env: Mapping[str, str]) -> None:
    for index in range(number):
        (project / f"f{index}.txt").write_text(_lines(index, **lines))
    _git(project, "commit", "-q", "--allow-empty", "-am", "Change", env=env)


def _rows(what: str, files: int, runs: Runs, *, yardstick: str) -> list[str]:
    floor = middle(runs[yardstick])
    least = {name: min(each.cpu for each in measured) for name, measured in runs.items()}
    rows = []
    for name, measured in runs.items():
        one = middle(measured)
        ratios = f"{one.wall / floor.wall:.2f} | {one.cpu / floor.cpu:.2f} | {least[name] / least[yardstick]:.2f}"
        rows.append(f"| {what} | {files} | {name} | {one.wall:.3f} | {one.cpu:.3f} | {least[name]:.3f} | {ratios} |")
    return rows


def compare(names: Sequence[str], number: int, rounds: int, work: Path) -> list[str]:
    """The table, as lines of Markdown; no names and a number of 0 leave parts of it out."""
    place = work / "scaffold"
    place.mkdir()
    rows = [row for name in names for row in made(name, rounds, place)]
    rows += updated(number, rounds, place) if number else []
    return ["", *HEAD, *rows] if rows else []


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--templates", nargs="*", default=library.names(), help="the templates that projects are made from")
    parser.add_argument("--changed", type=int, default=50, help="how many files an update changes; 0 leaves it out")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--work", type=Path, default=Path("/dev/shm") if os.path.isdir("/dev/shm") else None)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mlgit-bench-", dir=chosen.work) as folder:
        print("\n".join(compare(chosen.templates, chosen.changed, chosen.rounds, Path(folder))))


if __name__ == "__main__":
    main()
