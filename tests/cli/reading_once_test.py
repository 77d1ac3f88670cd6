"""What a command reads: each revision's pipeline once, each of Git's objects once, by few processes."""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import contextmanager

import pytest

from mlgit.adapters.git import git as git_adapter
from mlgit.adapters.git.objects import GitObjects
from mlgit.adapters.system import process
from mlgit.pipeline.load import load
from mlgit.pipeline.sources import CommitFiles
from tests.evaluation.predicting import CONFIG, GATES, change, made, ran
from tests.kit import commit, git

pytestmark = pytest.mark.slow  # stages run, and versions are registered

PROD = "environments: [{name: prod, requires: {gates: pass, card: fresh}}]\n"
FLOOR = "{id: floor, kind: bound, metric: accuracy, min: 0.3}"
RULES = GATES.replace("rules: [", f"rules: [{FLOOR}, ")
NOTES = "sections:\n  intended_use: {text: To find out who leaves.}\n"


class Reading:
    """What was read while it was watched: how often, by revision or object id; and the command lines of Git."""

    def __init__(self):
        self.pipelines: Counter[str] = Counter()
        self.trees: Counter[str] = Counter()
        self.objects: Counter[str] = Counter()
        self.processes: list[str] = []

    def see(self, code, values):
        if code is load.__code__:
            source = values["source"]
            self.pipelines[source.commit if isinstance(source, CommitFiles) else "workspace"] += 1
        elif code is git_adapter.list_tree.__code__:
            self.trees[values["revision"]] += 1
        elif code is GitObjects._ask.__code__:
            self.objects.update(values["oids"])
        elif code is git_adapter.read_objects.__code__:
            values["oids"] = list(values["oids"])
            self.objects.update(values["oids"])
        elif code is process.start.__code__ and values["argv"][0] == "git":
            self.processes.append(" ".join(values["argv"][1:]))

    def twice(self):
        counted = {"pipeline": self.pipelines, "tree": self.trees, "object": self.objects}
        return {(what, name): n for what, each in counted.items() for name, n in each.items() if n > 1}


@contextmanager
def watched():
    found = Reading()
    before = sys.getprofile()
    sys.setprofile(lambda frame, event, _: found.see(frame.f_code, frame.f_locals) if event == "call" else None)
    try:
        yield found
    finally:
        sys.setprofile(before)


@pytest.fixture
def root(tmp_path, cli):
    """A version in production, another one to promote, and a branch beside `main` with a third model."""
    root = made(tmp_path / "project", cli, {"mlgit.yaml": CONFIG + RULES + PROD, "cards/leave.yaml": NOTES})
    released(root, cli)
    assert cli(root, "model", "promote", "leave", "prod", "--new-environment").code == 0
    change(root, cli, {"params.yaml": "cut: 51\n"})
    released(root, cli)
    git(root, "switch", "--quiet", "--create", "change")
    ran(root, cli, {"params.yaml": "cut: 52\n"})
    built(root, cli)
    commit(root)
    return root


def built(root, cli):
    done = cli(root, "card", "build", "--reviewed", "all")
    assert done.code == 0, done.said


def released(root, cli):
    built(root, cli)
    commit(root)
    done = cli(root, "model", "register", "leave")
    assert done.code == 0, done.said


COMMANDS = {
    "diff main": 8,
    "diff": 10,
    "gate main": 10,
    "gate": 12,
    "ci run --no-run --base main": 20,
    "card check": 8,
    "model register leave": 15,  # its card names the version before, another commit: 12 without,
    "model promote leave@v0.0.2 prod": 24,
    "model audit leave": 30,
}


@pytest.mark.parametrize("line", COMMANDS)
def test_command_reads_each_thing_once(root, cli, line):
    with watched() as reading:
        done = cli(root, *line.split())
    assert done.code in (0, 1), done.said
    assert sum(reading.pipelines.values()) > 0
    assert reading.twice() == {}
    assert len(reading.processes) <= COMMANDS[line], reading.processes


def test_second_reading_is_noticed(root):
    oid = git(root, "rev-parse", "HEAD")
    blob = git(root, "rev-parse", "HEAD:dvc.yaml")
    with watched() as reading:
        for _ in range(2):
            objects = GitObjects(root)
            load(CommitFiles(objects, oid))
            objects.close()
    counted = reading.twice()
    assert (counted["pipeline", oid], counted["tree", oid], counted["object", blob]) == (2, 2, 2)
