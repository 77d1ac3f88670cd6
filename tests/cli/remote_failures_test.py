"""Every way a DVC remote can fail, under every command: "could not be asked", and "gone" only where the server said so."""

from __future__ import annotations

import hashlib
import random
import re
import shutil
from pathlib import Path

import pytest

from tests import kit
from tests.kit import FULL, Completed, commit, dvc, git, repository, write_tree
from tests.kit.forked import mlgit
from tests.kit.storage import KINDS, SECRET, Storage, closed_port, environment, storage
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
    "doctor": ["doctor"],
}
STATUSES = ("400", "401", "403", "404", "500")
FAULTS = (
    *("down", "refused", "reset", "silent", "slow", "truncated", *STATUSES),
    *("wrong place", "wrong content", "no credentials", "no plugin", "unknown host"),
)
# What these do not read may be damaged, as far as they can tell.
READ_NOTHING = ("verify", "audit", "register", "rollback")
# HTTP knows no folders: "not found" is its honest answer.
HONESTLY_GONE = (("http", "404"), ("http", "wrong place"))
PLUGINS = {"s3": "dvc_s3", "ssh": "dvc_ssh", "webdav": "dvc_webdav", "http": "dvc_http"}
HINTS = {"s3": "'dvc[s3]'", "ssh": "'dvc[ssh]'", "webdav": "'dvc[webdav]'", "http": "dvc-http"}
CASES = [(kind, fault, command) for kind in KINDS for fault in FAULTS for command in COMMANDS]
# Cheap ones, of each kind: S3 is asked again and again before it is given up.
CHEAP = [
    case for case in CASES if case[1] not in ("silent", "slow") and (case[0] != "s3" or case[1] in ("403", "404", "no plugin"))
]
SAMPLE = (
    CASES
    if FULL
    else [
        case for kind in KINDS for case in random.Random(7).sample([c for c in CHEAP if c[0] == kind and c[2] != "doctor"], 3)
    ]
)
SECONDS = 120  # a command that takes longer hangs


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """Two versions of a model, the second in production after the first, and a change on a branch; the remote is a folder.

    Made once for all kinds of servers: what a server is asked for does not depend on who put it there.
    """
    folder = tmp_path_factory.mktemp("released")
    root, remote = repository(folder / "project"), folder / "remote"
    evaluate = FILES["src/evaluate.sh"].replace("cut -d, -f1,3,3", 'awk -F, \'{print $1 "," $3 "," $3}\'')
    changed = {"mlgit.yaml": CONFIG.replace("auc:", "accuracy:"), "src/evaluate.sh": evaluate, "data/raw.csv": RAW}
    write_tree(root, {**FILES, **changed})
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


@pytest.fixture(scope="module")
def usual(served, tmp_path_factory):
    """What a command says and how it ends without a fault; each is run once."""
    server, project = served
    known: dict[str, Completed] = {}

    def ask(command: str) -> Completed:
        if command not in known:
            folder = tmp_path_factory.mktemp("usual")
            root = shutil.copytree(project, folder / "project", symlinks=True)
            known[command] = mlgit(root, *COMMANDS[command], env=environment(server, folder), seconds=SECONDS)
        return known[command]

    return ask


def _mlgit(root: Path, words: list[str]) -> None:
    done = mlgit(root, *words)
    assert done.code == 0, done.said


@pytest.mark.parametrize(("fault", "command"), sorted({(fault, command) for _, fault, command in SAMPLE}))
def test_failing_remote_could_not_be_asked(served, usual, tmp_path, fault, command):
    server, project = served
    if (server.kind, fault, command) not in SAMPLE:
        pytest.skip("not in the sample")
    expected = usual(command)
    root = shutil.copytree(project, tmp_path / "project", symlinks=True)
    env = environment(server, tmp_path)
    with closed_port() as port:
        _break(server, root, fault, env=env, closed=port)
        try:
            limit = ["--timeout", "4s"] if fault == "silent" and command != "doctor" else []
            if fault == "no plugin":  # known from the start of the process
                done = kit.mlgit(root, *COMMANDS[command], env=env)
            else:
                done = mlgit(root, *COMMANDS[command], *limit, env=env, seconds=SECONDS)
        finally:
            server.fault = ""
    for word in (SECRET, "Traceback", "defect"):
        assert word not in done.said, done.said
    _judge(done, expected, kind=server.kind, fault=fault, command=command)
    for path in (root / ".dvc/cache/files/md5").rglob("*"):
        assert path.is_dir() or hashlib.md5(path.read_bytes()).hexdigest() == path.parent.name + path.name


def _judge(done: Completed, expected: Completed, *, kind: str, fault: str, command: str) -> None:
    """Whether the command ended as it should."""
    as_usual = done.code == expected.code and _settled(done.out) == _settled(expected.out)
    if command == "doctor" or fault == "slow":
        assert as_usual, f"{done.said}\nbut without a fault:\n{expected.said}"
        return
    if (kind, fault) in HONESTLY_GONE:
        assert done.code in (1, 2), done.said
        return
    if fault in ("truncated", "wrong content") and command in READ_NOTHING and as_usual:
        return
    assert ("is damaged" if fault == "wrong content" else "could not be asked") in done.said, done.said
    assert "'store'" in done.said
    assert done.code in ((1, 2) if fault == "wrong content" else (2,)), done.said
    assert fault != "no plugin" or f"pip install {HINTS[kind]}" in done.said, done.said
    for word in ("gone", "nowhere", "neither") if fault != "wrong content" else ():
        assert word not in done.said, done.said


def _settled(text: str) -> str:
    """An output without what differs from one run to the next."""
    return re.sub(r"\d+(\.\d+)? ?m?s\b|\b[0-9a-f]{7,40}\b|/\S+", "_", text)


def test_remote_without_a_fault_has_all_of_it(usual):
    for command in COMMANDS if FULL else ("get",):
        assert usual(command).code == (1 if command == "doctor" else 0), usual(command).said


def _break(server: Storage, root: Path, fault: str, *, env: dict[str, str], closed: int) -> None:
    config = root / ".dvc/config"
    if fault in ("wrong place", "wrong content"):
        place = "nobase" if fault == "wrong place" else "damaged"
        missing = server.kind == "s3" and fault == "wrong place"
        config.write_text(server.config(url=server.url.replace(*(("store", "nostore") if missing else ("/base", f"/{place}")))))
    elif fault == "no credentials":
        for name in server.env:
            env.pop(name)
        config.write_text(server.config(password="", user=""))
    elif fault == "no plugin":
        write_tree(root.parent, {f"broken/{PLUGINS[server.kind]}/__init__.py": "raise ModuleNotFoundError('no plugin')\n"})
        env["PYTHONPATH"] = f"{root.parent}/broken"
    elif fault == "down":
        config.write_text(server.config().replace(f":{server.port}", f":{closed}"))
    elif fault == "unknown host":
        config.write_text(server.config().replace("127.0.0.1", "host.invalid"))
    else:
        server.fault = fault
