"""`mlgit run --pull`: what is missing here comes from the remote, and nothing is computed again."""

from __future__ import annotations

import shutil

import pytest

from tests.kit import commit, dvc, git, repository, write_tree
from tests.kit.forked import mlgit

pytestmark = pytest.mark.slow  # many repositories, and DVC itself

PIPELINE = """\
stages:
  copy:
    cmd: cat data/one > made && echo x >> ../runs
    deps: [data]
    outs: [made]
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project that ran once, with everything in a remote beside it and nothing of it left in the clone."""
    root = repository(tmp_path_factory.mktemp("made") / "project", {"dvc.yaml": PIPELINE})
    write_tree(root, {"data/one": "1\n"})
    for argv in (("remote", "add", "-d", "there", "../there"), ("add", "data")):
        assert dvc(root, *argv).code == 0
    assert mlgit(root, "run").code == 0
    assert dvc(root, "push").code == 0
    for path in ("data", ".dvc/cache", ".dvc/tmp"):
        shutil.rmtree(root / path)
    (root / "made").unlink()
    return root


@pytest.fixture
def pushed(made, tmp_path):
    """The same for one test alone."""
    shutil.copytree(made.parent, tmp_path, symlinks=True, dirs_exist_ok=True)
    return tmp_path / "project"


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
    assert "mlgit remote add" in done.said


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


CHAIN = """\
stages:
  folder: {cmd: mkdir made && cp in made/a && echo x >> ../runs, deps: [in], outs: [made]}
  file:
    cmd: cp made/a one && echo 5 > number && echo x >> ../runs
    deps: [made]
    outs: [one]
    metrics: [number]
  kept: {cmd: echo 7 > kept && echo x >> ../runs, deps: [one], metrics: [{kept: {cache: false}}]}  # DVC does not push it
"""


@pytest.fixture
def remembered(tmp_path):
    """A project whose results are in the run cache of its remote, and two clones that know nothing but the sources."""
    root = repository(tmp_path / "project", {"dvc.yaml": CHAIN, "in": "1\n"})
    assert dvc(root, "remote", "add", "-d", "there", str(tmp_path / "there")).code == 0
    commit(root)
    assert dvc(root, "repro", "--quiet").code == 0
    assert dvc(root, "push", "--run-cache").code == 0
    for name in ("ours", "theirs"):
        git(tmp_path, "clone", "--quiet", str(root), name)
    return tmp_path


def ran(folder):
    """How often a stage of the project ran so far."""
    return (folder / "runs").read_text().count("x")


def test_pull_takes_results_from_the_run_cache_of_the_remote_as_dvc_does(remembered):
    before = ran(remembered)
    done = mlgit(remembered / "ours", "run", "--pull", "--json")
    by_mlgit = ran(remembered) - before
    assert dvc(remembered / "theirs", "repro", "--pull").code == 0
    assert (done.code, by_mlgit) == (0, ran(remembered) - before - by_mlgit), done.said
    for path in ("dvc.lock", ".gitignore", "one", "made/a", "number", "kept"):
        assert (remembered / "ours" / path).read_bytes() == (remembered / "theirs" / path).read_bytes()
    kept = [
        sorted(str(path.relative_to(remembered / name)) for path in (remembered / name / ".dvc/cache").rglob("*"))
        for name in ("ours", "theirs")
    ]
    assert kept[0] == kept[1]
    assert done.json["counts"]["restored"] == 2


def test_without_pull_the_remote_is_not_asked_for_results(remembered):
    assert mlgit(remembered / "ours", "run", "--json").json["counts"]["ran"] == 3


def test_result_that_the_remote_has_lost_is_made(remembered):
    shutil.rmtree(remembered / "there/files")
    assert mlgit(remembered / "ours", "run", "--pull", "--json").json["counts"]["ran"] == 3


def test_results_in_the_remote_that_are_none_are_passed_over(remembered):
    for path in (remembered / "there/runs").rglob("*"):
        if path.is_file():
            path.write_bytes(b"\xff: [")
            path.with_name("stray").write_text("x")
    assert mlgit(remembered / "ours", "run", "--pull", "--json").json["counts"]["ran"] == 3
    assert not list((remembered / "ours/.dvc/cache/runs").rglob("stray"))


def test_stage_that_dvc_keeps_takes_its_result_from_the_remote_too(tmp_path):
    pipeline = "stages:\n  one: {cmd: cp ../ext one && echo x >> ../runs, deps: [../ext], outs: [one]}\n"
    root = repository(tmp_path / "project", {"dvc.yaml": pipeline})
    write_tree(tmp_path, {"ext": "1\n"})
    assert dvc(root, "remote", "add", "-d", "there", str(tmp_path / "there")).code == 0
    commit(root)
    git(tmp_path, "clone", "--quiet", str(root), "ours")
    assert dvc(root, "repro", "--quiet").code == dvc(root, "push", "--run-cache").code == 0
    assert mlgit(tmp_path / "ours", "run", "--pull").code == 0
    assert (ran(tmp_path), (tmp_path / "ours/one").read_text()) == (1, "1\n")


def test_what_dvc_could_not_fetch_is_not_computed_anew(tmp_path):
    pipeline = "stages:\n  one: {cmd: cp ../ext one && echo x >> ../runs, deps: [../ext], outs: [one]}\n"
    root = repository(tmp_path / "project", {"dvc.yaml": pipeline})
    write_tree(tmp_path, {"ext": "1\n"})
    assert dvc(root, "remote", "add", "-d", "there", str(tmp_path / "there")).code == 0
    assert mlgit(root, "run").code == dvc(root, "push").code == 0
    shutil.rmtree(root / ".dvc/cache")
    (root / "one").unlink()
    (there,) = (tmp_path / "there/files/md5").glob("*/*")
    there.unlink()
    there.mkdir()  # it is there, and cannot be read
    done = mlgit(root, "run", "--pull")
    assert (done.code != 0, ran(tmp_path)) == (True, 1)
    assert "one: its outputs could not be fetched" in done.said
    assert mlgit(root, "run", "--pull", "--compute-if-unreachable").code == 0
    assert ran(tmp_path) == 2


def test_output_that_stays_is_fetched_and_not_begun_anew_as_dvc_does(tmp_path):
    pipeline = "stages:\n  grow: {cmd: echo x >> log && echo x >> ../runs, deps: [in], outs: [log: {persist: true}]}\n"
    root = repository(tmp_path / "project", {"dvc.yaml": pipeline, "in": "1\n"})
    assert dvc(root, "remote", "add", "-d", "there", str(tmp_path / "there")).code == 0
    for text in ("1\n", "2\n"):
        write_tree(root, {"in": text})
        assert mlgit(root, "run").code == 0
    assert dvc(root, "push").code == 0
    commit(root)
    for name in ("ours", "theirs"):
        git(tmp_path, "clone", "--quiet", str(root), name)
    assert (mlgit(tmp_path / "ours", "run", "--pull").code, dvc(tmp_path / "theirs", "repro", "--pull").code) == (0, 0)
    assert (tmp_path / "ours/log").read_text() == (tmp_path / "theirs/log").read_text() == "x\nx\n"
    assert ran(tmp_path) == 2


@pytest.mark.parametrize(("options", "left"), [(("--pull",), "x\nx\n"), ((), "x\n")])
def test_a_stale_stage_goes_on_from_an_output_that_stays_and_is_only_at_the_remote(tmp_path, options, left):
    pipeline = "stages:\n  grow: {cmd: echo x >> kept/log, deps: [in], outs: [kept: {persist: true}]}\n"
    root = repository(tmp_path / "project", {"dvc.yaml": pipeline, "in": "1\n"})
    (root / "kept").mkdir()
    assert dvc(root, "remote", "add", "-d", "there", str(tmp_path / "there")).code == 0
    assert mlgit(root, "run").code == dvc(root, "push").code == 0
    commit(root)
    git(tmp_path, "clone", "--quiet", str(root), "ours")
    write_tree(tmp_path / "ours", {"in": "2\n"})
    if not options:
        (tmp_path / "ours/kept").mkdir()
    assert mlgit(tmp_path / "ours", "run", *options).code == 0
    assert (tmp_path / "ours/kept/log").read_text() == left


def test_status_of_a_fresh_clone_names_pull_where_there_is_a_remote(pushed):
    done = mlgit(pushed, "status")
    assert (done.code, done.out.split("; ")[-1]) == (1, "`mlgit run --pull` brings them up to date\n")
    (pushed / ".dvc/config").write_text("")
    assert mlgit(pushed, "status").out.endswith("`mlgit run` brings them up to date\n")


def test_diff_fetches_what_both_sides_measured(tmp_path):
    root = repository(tmp_path / "project", {"dvc.yaml": MEASURING, "params.yaml": "depth: 3\n", "mlgit.yaml": "mlgit: 1\n"})
    assert dvc(root, "remote", "add", "-d", "there", str(tmp_path / "there")).code == 0
    for depth in (3, 5):
        (root / "params.yaml").write_text(f"depth: {depth}\n")
        assert mlgit(root, "run").code == 0
        commit(root)
        assert dvc(root, "push").code == 0
    shutil.rmtree(root / ".dvc/cache")
    assert "0.3" not in mlgit(root, "diff", "HEAD~1", "HEAD").out
    done = mlgit(root, "diff", "HEAD~1", "HEAD", "--pull")
    assert (done.code, "0.3" in done.out, "0.5" in done.out) == (0, True, True), done.said
    shutil.rmtree(root / ".dvc/cache")
    shutil.rmtree(tmp_path / "there")
    assert "could not be asked" in mlgit(root, "diff", "HEAD~1", "HEAD", "--pull").err


MEASURING = """\
stages:
  measure:
    cmd: 'echo "{\\"auc\\": 0.$(cut -d" " -f2 params.yaml)}" > metrics.json'
    params: [depth]
    metrics: [metrics.json]
"""


def test_changed_folder_is_taken_over_and_told_file_by_file(tmp_path):
    root = repository(tmp_path / "project", {"mlgit.yaml": "mlgit: 1\n"})
    write_tree(root, {f"data/{number}": f"{number}\n" for number in range(5)})
    assert mlgit(root, "add", "data").code == 0
    commit(root)
    write_tree(root, {"data/0": "other\n", "data/new/x": "x\n"})
    (root / "data/3").unlink()
    by_dvc = shutil.copytree(root, tmp_path / "by-dvc")
    assert mlgit(root, "run").code == 0
    assert dvc(by_dvc, "repro", "--all-pipelines").code == 0
    assert (root / "data.dvc").read_bytes() == (by_dvc / "data.dvc").read_bytes()
    done = mlgit(root, "diff")
    assert "5 files (1 added, 1 removed, 1 changed)" in done.out, done.said
    assert mlgit(root, "diff", "--format", "json").json["data"][0]["files"] == {"added": 1, "removed": 1, "changed": 1}


def test_what_the_remote_does_not_have_either_is_named_and_computed(tmp_path):
    root = repository(
        tmp_path / "project", {"dvc.yaml": "stages: {copy: {cmd: cp in made, deps: [in], outs: [made]}}\n", "in": "1\n"}
    )
    assert dvc(root, "remote", "add", "-d", "there", str(tmp_path / "there")).code == 0
    assert mlgit(root, "run").code == dvc(root, "push").code == 0
    shutil.rmtree(tmp_path / "there/files")
    shutil.rmtree(root / ".dvc/cache")
    (root / "made").unlink()
    done = mlgit(root, "run", "--pull", "--json")
    assert (done.code, done.json["counts"]["ran"]) == (0, 1), done.said
    assert "note: 'copy' cannot be restored: 'made' is neither in the cache nor in a DVC remote" in done.err


def test_output_of_a_frozen_stage_is_fetched_as_dvc_does(tmp_path):
    pipeline = "stages:\n  a: {cmd: echo 1 > a, outs: [a], frozen: true}\n  b: {cmd: cat a > b, deps: [a], outs: [b]}\n"
    root = repository(tmp_path / "project", {"dvc.yaml": pipeline.replace(", frozen: true", "")})
    assert dvc(root, "remote", "add", "-d", "there", str(tmp_path / "there")).code == 0
    assert mlgit(root, "run").code == dvc(root, "push").code == 0
    write_tree(root, {"dvc.yaml": pipeline.replace("cat a", "cat a a")})
    shutil.rmtree(root / ".dvc/cache")
    for path in ("a", "b"):
        (root / path).unlink()
    other = shutil.copytree(root, tmp_path / "other")
    done = mlgit(root, "run", "--pull", "--json")
    assert dvc(other, "repro", "--pull").code == done.code == 0, done.said
    assert (root / "b").read_text() == (other / "b").read_text() == "1\n1\n"
    assert (root / "dvc.lock").read_text() == (other / "dvc.lock").read_text()
