"""Runs in repositories of every kind, and what Git does to them."""

from __future__ import annotations

import os

import pytest

from mlgit.errors import MlgitError
from mlgit.experiments.run import MetricPoint, MissingRecordError
from mlgit.experiments.runs import RunStore
from tests.experiments.stores import begun, ended, repository, spool_of
from tests.kit import FULL, git


@pytest.fixture
def store(tmp_path) -> RunStore:
    return RunStore(repository(tmp_path / "project"))


def finished(store: RunStore, number: int = 0) -> str:
    run = store.create(name=f"run {number}", tags={"number": str(number)})
    points = [MetricPoint("loss", 1 / (step + 1), 1000 + step, step) for step in range(3)]
    store.log_batch(run.id, metrics=points, params={"lr": str(number)})
    store.update(run.id, status="FINISHED", end_time=2000)
    return run.id


def fsck(store: RunStore) -> str:
    return git(store.root, "fsck", "--strict", "--no-dangling").strip()


def test_repository_with_sha256_names(tmp_path):
    store = RunStore(repository(tmp_path / "project", "--object-format=sha256"))
    run_id = finished(store)
    store.log_batch(run_id, tags={"late": "yes"})
    found = RunStore(store.root).get(run_id)
    assert (len(found.commit), found.tags["late"], len(store.history(run_id, "loss"))) == (64, "yes", 3)
    assert [each.id for each in RunStore(store.root).all()] == [run_id]
    assert fsck(store) == ""


def test_repository_with_refs_in_tables(tmp_path):
    try:
        root = repository(tmp_path / "project", "--ref-format=reftable")
    except AssertionError:
        pytest.skip("this Git knows no reftable")
    store = RunStore(root)
    ids = {finished(store, number) for number in range(3)}
    assert {each.id for each in store.all()} == ids
    ids.add(finished(RunStore(root), 3))
    assert {each.id for each in store.all()} == ids


def test_linked_working_tree_and_main_one_have_the_same_runs(store, tmp_path):
    git(store.root, "worktree", "add", "--quiet", "../linked")
    linked = RunStore(tmp_path / "linked")
    (tmp_path / "linked/train.py").write_text("print('linked')\n")
    git(tmp_path / "linked", "commit", "--quiet", "--all", "--message", "There")
    run = linked.create()
    assert store.get(run.id).status == "RUNNING"
    linked.update(run.id, status="FINISHED")
    assert store.get(run.id) == linked.get(run.id)
    assert store.get(run.id).baseline == git(tmp_path / "linked", "rev-parse", "HEAD")


def test_bare_repository_takes_runs(store, tmp_path):
    git(tmp_path, "clone", "--quiet", "--bare", "project", "bare.git")
    bare = RunStore(tmp_path / "bare.git")
    run_id = finished(bare)
    assert (bare.get(run_id).code, bare.get(run_id).status) == ("", "FINISHED")


def test_repository_without_a_commit_takes_runs(tmp_path):
    git(tmp_path, "init", "--quiet", "project")
    store = RunStore(tmp_path / "project")
    run_id = finished(store)
    assert (store.get(run_id).baseline, store.get(run_id).code) == ("", "")
    assert git(store.root, "rev-list", "--count", f"refs/mlgit/runs/{run_id}") == "1"


def test_commit_of_a_run_stands_upon_what_was_checked_out(store):
    run_id = finished(store)
    head = git(store.root, "rev-parse", "HEAD")
    assert git(store.root, "rev-parse", f"refs/mlgit/runs/{run_id}^") == head
    assert store.get(run_id).baseline == head


def test_head_that_moves_is_seen_by_the_next_run(store):
    first = finished(store)
    (store.root / "train.py").write_text("print('two')\n")
    git(store.root, "commit", "--quiet", "--all", "--message", "Change")
    second = finished(store)
    git(store.root, "pack-refs", "--all")
    git(store.root, "switch", "--quiet", "--detach", "HEAD^")
    third = finished(store)
    head = git(store.root, "rev-parse", "main")
    assert [store.get(each).baseline == head for each in (first, second, third)] == [False, True, False]


def test_changes_that_are_not_committed_are_kept_and_the_index_stays_as_it_is(store):
    (store.root / "gone.py").write_text("pass\n")
    git(store.root, "add", "gone.py")
    git(store.root, "commit", "--quiet", "--message", "Add one")
    (store.root / "gone.py").unlink()
    (store.root / "train.py").write_text("print('changed')\n")
    (store.root / "staged.py").write_text("print('staged')\n")
    git(store.root, "add", "staged.py")
    (store.root / "beside.txt").write_text("not tracked\n")
    index, status = (store.root / ".git/index").read_bytes(), git(store.root, "status", "--porcelain")
    run_id = finished(store)
    found = store.get(run_id)
    listed = git(store.root, "ls-tree", "-r", "--name-only", f"refs/mlgit/runs/{run_id}:code").splitlines()
    assert listed == ["staged.py", "train.py"]
    assert git(store.root, "show", f"refs/mlgit/runs/{run_id}:code/train.py") == "print('changed')"
    assert (found.untracked, found.code) == (("beside.txt",), git(store.root, "rev-parse", f"refs/mlgit/runs/{run_id}:code"))
    assert ((store.root / ".git/index").read_bytes(), git(store.root, "status", "--porcelain")) == (index, status)
    assert fsck(store) == ""


def test_code_of_two_runs_is_compared_by_git(store, monkeypatch):
    first = finished(store)
    (store.root / "train.py").write_text("print('changed')\n")
    second = finished(RunStore(store.root))
    told = git(store.root, "diff", f"refs/mlgit/runs/{first}:code", f"refs/mlgit/runs/{second}:code")
    assert "+print('changed')" in told


def test_large_change_is_named_and_not_kept(store):
    (store.root / "train.py").write_bytes(os.urandom(9 << 20))
    found = store.get(finished(store))
    assert found.untracked == ("train.py",)
    assert found.code == git(store.root, "rev-parse", "HEAD^{tree}")


def test_run_in_a_stage_stands_under_the_name_of_the_stage(store, monkeypatch):
    monkeypatch.setenv("MLGIT_STAGE", "train")
    monkeypatch.setenv("MLGIT_TRIAL", "C-0.2-7f3a1c")
    run = store.create()
    other = store.create(store.experiments.create("mine").id)
    assert store.experiments.get(run.experiment_id).name == "train"
    assert store.experiments.get(other.experiment_id).name == "mine"
    assert run.tags == other.tags == {"mlgit.stage": "train", "mlgit.trial": "C-0.2-7f3a1c"}
    assert store.create().experiment_id == run.experiment_id


@pytest.mark.slow
def test_many_edit_one_run_that_ended(store):
    run_id = finished(store)

    def work(name: str) -> None:
        own = RunStore(store.root)
        for number in range(10):
            own.log_batch(run_id, tags={f"{name}-{number}": "yes"}, metrics=[MetricPoint(name, 1.0, number, number)])

    pids = [begun(lambda name=name: work(name)) for name in "abcd"]
    assert [ended(pid) for pid in pids] == [0] * 4
    found = RunStore(store.root).get(run_id)
    assert len([each for each in found.tags if "-" in each]) == 40
    assert all(len(store.history(run_id, name)) == 10 for name in "abcd")
    assert not spool_of(store, run_id).exists()
    assert git(store.root, "rev-list", "--count", found.commit, "^HEAD") != "1"


@pytest.mark.slow
def test_garbage_collection_keeps_all_runs(store, tmp_path):
    ids = [finished(store, number) for number in range(10_000 if FULL else 300)]
    (tmp_path / "file").write_text("small")
    live = store.create()
    store.artifacts.put(live.id, {"file": tmp_path / "file"})
    before = {each.id: each for each in store.all()}
    git(store.root, "gc", "--quiet", "--prune=now")
    git(store.root, "reflog", "expire", "--expire=now", "--all")
    git(store.root, "gc", "--quiet", "--prune=now")
    found = RunStore(store.root)
    assert {each.id: each for each in found.all()} == before
    assert len(found.history(ids[-1], "loss")) == 3
    assert {each.id: each for each in store.all()} == before
    store.update(live.id, status="FINISHED")
    assert store.artifacts.read(live.id, "file") == b"small"
    assert fsck(store) == ""


def test_listing_without_its_index_is_the_same(store):
    for number in range(30):
        finished(store, number)
    index = store.root / ".git/mlgit/cache/runs-1"
    first = {each.id: each for each in RunStore(store.root).all()}
    content = index.read_bytes()
    index.write_bytes(content[: len(content) // 2])
    assert {each.id: each for each in RunStore(store.root).all()} == first
    index.write_bytes(b"\xff\0" * 100 + b"\n" + content.replace(b'"schema"', b'"schama"'))
    assert {each.id: each for each in RunStore(store.root).all()} == first
    index.unlink()
    assert {each.id: each for each in RunStore(store.root).all()} == first


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "\0", '{"schema": 2}', "[" * 10_000, '{"schema": 1, "id": "%s"}', '{"schema":1,"id":7}']
)
def test_hostile_ref_is_passed_over_in_lists_and_told_to_who_asks(store, text):
    good = finished(store)
    (store.root / "run.json").write_text(text.replace("%s", "b" * 32))
    blob = git(store.root, "hash-object", "-w", "run.json")
    (store.root / "rows").write_text(f"100644 blob {blob}\trun.json\n")
    tree = git(store.root, "-c", "alias.make=!git mktree <rows", "make")
    git(store.root, "update-ref", f"refs/mlgit/runs/{'b' * 32}", git(store.root, "commit-tree", "-m", "x", tree))
    git(store.root, "update-ref", f"refs/mlgit/runs/{'c' * 32}", blob)
    git(store.root, "update-ref", "refs/mlgit/runs/strange", "HEAD")
    found = RunStore(store.root)
    assert [each.id for each in found.all()] == [good]
    for name in "bc":
        with pytest.raises(MlgitError):
            found.get(name * 32)
    with pytest.raises(MissingRecordError):
        found.get("d" * 32)


def test_run_of_another_name_than_its_ref_is_refused(store):
    run_id = finished(store)
    git(store.root, "update-ref", f"refs/mlgit/runs/{'b' * 32}", f"refs/mlgit/runs/{run_id}")
    with pytest.raises(MlgitError, match="holds another one"):
        RunStore(store.root).get("b" * 32)
    assert [each.id for each in RunStore(store.root).all()] == [run_id]


def test_texts_of_every_kind_are_kept(store):
    odd = {"tab\t": "line\nline", "quote\"'\\": "\u2028", "emoji \U0001f600": "\x00", "half": "\ud800"}
    run = store.create(name="a\nb\x1b[31m")
    store.log_batch(run.id, params=odd, tags=odd)
    assert dict(store.get(run.id).params) == odd
    store.update(run.id, status="FINISHED")
    found = RunStore(store.root).get(run.id)
    assert dict(found.params) == odd
    assert {key: found.tags[key] for key in odd} == odd
    assert "\x1b" not in git(store.root, "log", "-1", "--format=%s", found.commit)
    assert fsck(store) == ""


def test_values_that_json_does_not_have_are_kept(store):
    run = store.create()
    values = [float("nan"), float("inf"), float("-inf"), 5e-324, 1.7976931348623157e308, -0.0, 0.1 + 0.2]
    store.log_batch(run.id, metrics=[MetricPoint("loss", value, 1, step) for step, value in enumerate(values)])
    store.update(run.id, status="FINISHED")
    found = sorted(RunStore(store.root).points(run.id), key=lambda each: each.step)
    assert list(map(repr, (each.value for each in found))) == list(map(repr, values))


def test_no_path_of_this_machine_stands_in_git(store, tmp_path):
    (tmp_path / "file").write_text("small")
    run_id = finished(store)
    store.artifacts.put(run_id, {"file": tmp_path / "file"})
    for name in git(store.root, "ls-tree", "--name-only", f"refs/mlgit/runs/{run_id}").splitlines():
        assert str(tmp_path) not in git(store.root, "show", f"refs/mlgit/runs/{run_id}:{name}")


def test_many_runs_are_listed_without_their_objects_being_opened(store):
    for number in range(30):
        finished(store, number)
    before = {each.id: each for each in store.all()}
    (store.root / ".git/objects").rename(store.root / ".git/away")
    (store.root / ".git/objects").mkdir()
    assert {each.id: each for each in RunStore(store.root).all()} == before
    (store.root / ".git/mlgit/cache/runs-1").unlink()
    assert RunStore(store.root).all() == []  # nothing else knew them
