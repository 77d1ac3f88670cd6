"""Eight people release eight models in the same moment: all come through, and every tag is in the log."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path

import pytest

from tests.kit import FULL, Completed, commit, forked, git, mlgit, repository
from tests.kit.git_server import http_host, ssh_environment
from tests.registry.worlds import on_origin, published

pytestmark = pytest.mark.slow  # many processes

ROUNDS = 20 if FULL else 1
WRITERS = 8 if FULL else 3
MODELS = [f"m{number}" for number in range(WRITERS)]
PIPELINE = (
    "stages:\n"
    + "".join(
        f"  {name}:\n    cmd: echo {name} $(cat round) > {name}.txt\n    deps: [round]\n    outs: [{name}.txt]\n"
        for name in MODELS
    )
    + "artifacts:\n"
    + "".join(f"  {name}: {{path: {name}.txt, type: model}}\n" for name in MODELS)
)


@pytest.fixture(params=["http", "ssh"])
def host(request, tmp_path, monkeypatch):
    """A bare repository, the address that clones have of it, and one project in it."""
    origin = tmp_path / "hosted" / "models.git"
    origin.mkdir(parents=True)
    git(origin, "init", "--quiet", "--bare")
    git(origin, "config", "http.receivepack", "true")
    if request.param == "ssh":
        for name, value in ssh_environment(tmp_path).items():
            monkeypatch.setenv(name, value)
        yield origin, f"ssh://host{origin}"
    else:
        with http_host(tmp_path / "hosted") as address:
            yield origin, f"{address}/models.git"


def test_all_come_through_and_every_tag_is_in_the_log(host, tmp_path):
    origin, address = host
    root = repository(tmp_path / "first", {"dvc.yaml": PIPELINE, "round": "0\n", "mlgit.yaml": "mlgit: 1\n"})
    git(root, "remote", "add", "origin", address)
    clones = [root]
    for number in range(ROUNDS):
        (root / "round").write_text(f"{number}\n")
        assert forked.mlgit(root, "run").code == 0
        commit(root)
        git(root, "push", "--quiet", "origin", "HEAD:main")
        if number == 0:
            clones = [_clone(root, address, name) for name in MODELS]
        for clone in clones:
            git(clone, "pull", "--quiet", "origin", "main")
            shutil.copytree(root / ".dvc/cache", clone / ".dvc/cache", dirs_exist_ok=True)
            assert forked.mlgit(clone, "run").code == 0
        begun, said = time.monotonic(), _at_once(clones, number)
        for done in said:
            assert done.code == 0, done.said
        again = sum(done.json["attempts"] - 1 for done in said)
        print(f"round {number}: {len(said)} tags in {time.monotonic() - begun:.1f} s, {again} tries again")
    for clone in clones:
        git(clone, "fetch", "--quiet", "--tags", "origin")
        found = forked.mlgit(clone, "model", "verify", "--json")
        assert (found.code, found.json["findings"]) == (0, []), found.said
    assert sorted(published(origin)) == sorted(on_origin(origin))
    assert len(on_origin(origin)) == 2 * WRITERS * ROUNDS


def _clone(root: Path, address: str, name: str) -> Path:
    git(root.parent, "clone", "--quiet", address, name)
    return root.parent / name


def _at_once(clones: list[Path], number: int) -> list[Completed]:
    """Each registers its model and promotes it; what they said."""
    said: list[Completed] = []
    barrier = threading.Barrier(len(clones))

    def release(clone: Path) -> None:
        barrier.wait()
        said.append(mlgit(clone, "model", "register", clone.name, "--version", f"v1.{number}.0", "--push", "--json"))
        said.append(mlgit(clone, "model", "promote", clone.name, "prod", "--new-environment", "--push", "--json"))

    threads = [threading.Thread(target=release, args=(clone,)) for clone in clones]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return said
