"""Every way a DVC remote can fail, under every command that asks one: "could not be asked", and never "gone"."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from tests.kit import FULL, commit, dvc, git, repository, write_tree
from tests.kit.forked import mlgit
from tests.kit.storage import KINDS, SECRET, Storage, environment, storage
from tests.registry.projects import FILES, RAW

pytestmark = pytest.mark.slow

CONFIG = FILES["mlgit.yaml"] + (
    "gates:\n  rules:\n  - {id: kept, kind: no_worse, metric: accuracy, margin: 0.1}\nenvironments:\n  - {name: prod}\n"
)
COMMANDS = {
    "run": ["run", "--pull"],
    "gate": ["gate", "--pull"],
    "ci": ["ci", "run"],
    "get": ["model", "get", "churn@v1.0.0", "-o", "elsewhere.json"],
    "verify": ["model", "verify"],
    "audit": ["model", "audit", "churn@v1.0.0"],
    "register": ["model", "register", "churn", "--version", "v3.0.0"],
    "rollback": ["model", "rollback", "churn", "prod", "--message", "too many calls"],
}
FAULTS = (
    "refused",
    "reset",
    "silent",
    "truncated",
    "400",
    "401",
    "403",
    "500",
    "wrong place",
    "no credentials",
    "unknown host",
)
# What a server cannot be made to do, or says in another way.
LEFT_OUT = {
    *(("ssh", status) for status in ("400", "401", "403", "500")),
    ("http", "wrong place"),  # HTTP knows no folders: every object is "not found"
    ("http", "truncated"),  # what is asked has no body
}
CASES = [(kind, fault, command) for kind in KINDS for fault in FAULTS for command in COMMANDS if (kind, fault) not in LEFT_OUT]
SAMPLE = CASES if FULL else random.Random(7).sample([case for case in CASES if case[0] in ("s3", "ssh")], 8)


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """Two versions of a model, the second in production after the first, and a change on a branch; the remote is a folder.

    Made once for all kinds of servers: what a server is asked for does not depend on who put it there.
    """
    folder = tmp_path_factory.mktemp("released")
    root, remote = repository(folder / "project"), folder / "remote"
    write_tree(root, {**FILES, "mlgit.yaml": CONFIG.replace("auc:", "accuracy:"), "data/raw.csv": RAW})
    (root / ".dvc/config").write_text(f"[core]\n    remote = store\n['remote \"store\"']\n    url = {remote}\n")
    for version, depth in (("v1.0.0", 3), ("v2.0.0", 4)):
        (root / "params.yaml").write_text(f"train: {{depth: {depth}}}\n")
        for words in (["add", "data/raw.csv"], ["run"]):
            _mlgit(root, words)
        commit(root)
        _mlgit(root, ["model", "register", "churn", "--version", version])
        _mlgit(root, ["model", "promote", f"churn@{version}", "prod", "--override", "a test"])
    done = dvc(root, "push", "--all-commits")
    assert done.code == 0, done.said
    git(root, "switch", "--quiet", "--create", "change")
    (root / "README.md").write_text("changed\n")
    commit(root)
    for path in (".dvc/cache", ".dvc/tmp", "data", "models", "reports"):
        shutil.rmtree(root / path)
    git(root, "restore", ".")
    return root, remote


@pytest.fixture(scope="module", params=KINDS)
def served(request, released, tmp_path_factory):
    """A server of each kind with all objects of a project, and the project, with none of them here."""
    if not any(kind == request.param for kind, _, _ in SAMPLE):
        pytest.skip("not in the sample")
    root, remote = released
    folder = tmp_path_factory.mktemp(request.param)
    with storage(request.param, folder / "server") as server:
        server.fill(remote)
        project = shutil.copytree(root, folder / "project", symlinks=True)
        (project / ".dvc/config").write_text(server.config())
        commit(project)
        yield server, project


def _mlgit(root: Path, words: list[str]) -> None:
    done = mlgit(root, *words)
    assert done.code == 0, done.said


@pytest.mark.parametrize(("fault", "command"), sorted({(fault, command) for _, fault, command in SAMPLE}))
def test_failing_remote_could_not_be_asked(served, tmp_path, fault, command):
    server, project = served
    if (server.kind, fault, command) not in SAMPLE:
        pytest.skip("not in the sample")
    root = shutil.copytree(project, tmp_path / "project", symlinks=True)
    env = environment(server, tmp_path)
    _break(server, root, fault, env)
    try:
        done = mlgit(root, *COMMANDS[command], *(["--timeout", "4s"] if fault == "silent" else []), env=env)
    finally:
        server.fault = ""
    assert done.code == 2, done.said
    assert "could not be asked" in done.said
    assert SECRET not in done.said
    for word in ("gone", "nowhere", "neither", "Traceback", "defect"):
        assert word not in done.said, done.said
    assert not (root / "models/churn.json").exists()


def test_remote_without_a_fault_has_all_of_it(served, tmp_path):
    server, project = served
    root = shutil.copytree(project, tmp_path / "project", symlinks=True)
    done = mlgit(root, *COMMANDS["get"], env=environment(server, tmp_path))
    assert done.code == 0, done.said
    assert (root / "elsewhere.json").read_text() == '{"learner": {"depth": 3}, "version": [2, 0, 0]}'


def _break(server: Storage, root: Path, fault: str, env: dict[str, str]) -> None:
    if fault == "wrong place":
        url = server.url.replace("store", "nostore") if server.kind == "s3" else server.url.replace("base", "nobase")
        (root / ".dvc/config").write_text(server.config(url=url))
    elif fault == "no credentials":
        for name in server.env:
            env.pop(name)
        (root / ".dvc/config").write_text(server.config(password="", user=""))
    elif fault == "unknown host":
        text = (root / ".dvc/config").read_text()
        (root / ".dvc/config").write_text(text.replace("127.0.0.1", "host.invalid"))
    else:
        server.fault = fault
