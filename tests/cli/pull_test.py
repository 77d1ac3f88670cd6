"""`mlgit run --pull`: what is missing here comes from the remote, and nothing is computed again."""

from __future__ import annotations

import shutil

import pytest

from tests.kit import dvc, mlgit, repository, write_tree

pytestmark = pytest.mark.slow  # many repositories, and DVC itself

PIPELINE = """\
stages:
  copy:
    cmd: cat data/one > made && echo x >> ../runs
    deps: [data]
    outs: [made]
"""


@pytest.fixture
def pushed(tmp_path):
    """A project that ran once, with everything in a remote and nothing of it left in the clone."""
    root = repository(tmp_path / "project", {"dvc.yaml": PIPELINE})
    write_tree(root, {"data/one": "1\n"})
    for argv in (("remote", "add", "-d", "there", str(tmp_path / "there")), ("add", "data")):
        assert dvc(root, *argv).code == 0
    assert mlgit(root, "run").code == 0
    assert dvc(root, "push").code == 0
    for path in ("data", ".dvc/cache", ".dvc/tmp"):
        shutil.rmtree(root / path)
    (root / "made").unlink()
    return root


def test_pull_fetches_data_and_results_and_runs_nothing(pushed):
    done = mlgit(pushed, "run", "--pull", "--json")
    assert (done.code, done.json["counts"]["restored"], done.json["counts"]["ran"]) == (0, 2, 0)
    assert (pushed / "made").read_text() == "1\n"
    assert (pushed.parent / "runs").read_text() == "x\n"


def test_missing_data_is_named_with_the_command_that_fetches_it(pushed):
    done = mlgit(pushed, "run")
    assert done.code == 1
    assert "data.dvc: 'data' is neither here nor in the cache" in done.said
    assert "mlgit run --pull" in done.said


def test_pull_without_a_remote_says_what_to_type(tmp_path):
    root = repository(tmp_path / "project", {"dvc.yaml": PIPELINE, "data/one": "1\n"})
    done = mlgit(root, "run", "--pull")
    assert done.code == 2
    assert "dvc remote add" in done.said


def test_pull_takes_what_git_keeps_as_it_lies(tmp_path):
    pipeline = PIPELINE.replace("cat data/one > made", "cat data/one > made && echo 5 > number")
    pipeline += "    metrics: [{number: {cache: false}}]\n"
    root = repository(tmp_path / "project", {"dvc.yaml": pipeline})
    write_tree(root, {"data/one": "1\n"})
    for argv in (("remote", "add", "-d", "there", str(tmp_path / "there")), ("add", "data")):
        assert dvc(root, *argv).code == 0
    assert mlgit(root, "run").code == 0
    assert dvc(root, "push").code == 0
    shutil.rmtree(root / ".dvc/cache")
    shutil.rmtree(root / ".dvc/tmp")
    (root / "made").unlink()
    done = mlgit(root, "run", "--pull", "--json")
    assert done.json["counts"]["ran"] == 0, done.said
    assert dvc(root, "status").out.strip() == "Data and pipelines are up to date."
    (root / "made").unlink()
    (root / "number").write_text("6\n")
    shutil.rmtree(root / ".dvc/cache")
    assert mlgit(root, "run", "--pull", "--json").json["counts"]["ran"] == 1
    assert (root / "number").read_text() == "5\n"
