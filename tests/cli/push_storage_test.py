"""`mlgit push` and `mlgit pull` with servers of each kind: what goes there is what DVC sends, whatever cut it off before."""

from __future__ import annotations

import hashlib
import os
import shutil

import pytest

from tests.kit import FULL, dvc, git, write_tree
from tests.kit.forked import mlgit, start
from tests.kit.sharing import change, make
from tests.kit.storage import KINDS, environment, storage

pytestmark = pytest.mark.slow

LARGE = "x" * 2_000_000  # in many pieces, on any way
FAULTS = ("cut", "killed")
INTERRUPTED = [(kind, fault) for kind in KINDS for fault in FAULTS]
SAMPLE = INTERRUPTED if FULL else [("webdav", "cut"), ("http", "killed")]


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A project, committed and not pushed, and what `dvc push` makes of its data in the folder `there`."""
    top = tmp_path_factory.mktemp("template")
    root = make(top)
    assert dvc(root, "push").code == 0
    change(root, LARGE)
    assert dvc(root, "push").code == 0
    return top


@pytest.fixture
def project(template, tmp_path):
    shutil.copytree(template, tmp_path, symlinks=True, dirs_exist_ok=True)
    return tmp_path / "project"


def digests(objects):
    return {name: hashlib.md5(content).hexdigest() for name, content in objects.items() if not name.endswith(".tmp")}


def expected(project):
    there = project.parent / "there"
    return digests({str(path.relative_to(there)): path.read_bytes() for path in there.rglob("*") if path.is_file()})


@pytest.mark.parametrize("kind", KINDS if FULL else ("s3", "ssh"))
def test_server_gets_what_dvc_sends_and_gives_it_to_another_clone(project, tmp_path, kind):
    with storage(kind, tmp_path / "server") as server:
        env = environment(server, tmp_path)
        write_tree(project, {".dvc/config.local": server.config()})
        done = mlgit(project, "push", env=env)
        assert done.code == 0, done.said
        assert digests(server.objects()) == expected(project)
        assert mlgit(project, "push", "--json", env=env).json["objects"] == 0
        git(tmp_path, "clone", "--quiet", "origin.git", "other")
        write_tree(tmp_path / "other", {".dvc/config.local": server.config()})
        done = mlgit(tmp_path / "other", "pull", env=env)
        assert (done.code, (tmp_path / "other/made/one").read_text()) == (0, LARGE), done.said


@pytest.mark.parametrize(("kind", "fault"), SAMPLE)
def test_push_that_was_cut_off_publishes_no_record_and_the_next_one_makes_it_whole(project, tmp_path, kind, fault):
    with storage(kind, tmp_path / "server") as server:
        env = environment(server, tmp_path)
        write_tree(project, {".dvc/config.local": server.config()})
        server.cut = 1_000_000
        if fault == "killed":
            _push_until(server, project, env={**os.environ, **env}, log=tmp_path / "log")
        else:
            done = mlgit(project, "push", env=env)
            assert (done.code, "could not be asked" in done.said) == (2, True), done.said
        assert server.cut == 1
        assert git(tmp_path / "origin.git", "for-each-ref") == ""
        server.cut = 0
        done = mlgit(project, "push", env=env)
        assert done.code == 0, done.said
        assert digests(server.objects()) == expected(project)


def _push_until(server, project, *, env, log):
    """A push that is killed as soon as the server hangs up."""
    server.when_cut = lambda: running.kill()  # noqa: PLW0108 - it is started below
    running = start("mlgit", project, ("push",), env=env, log=log)
    running.wait()
