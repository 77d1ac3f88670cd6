from __future__ import annotations

import itertools

import pytest

from mlgit.adapters.git import shared_refs, sharing
from mlgit.experiments import run_sync
from mlgit.experiments.run import MetricPoint
from mlgit.experiments.runs import RunStore
from tests.experiments.stores import repository
from tests.kit import git


@pytest.fixture
def clones(tmp_path):
    """Two stores of clones of one bare repository."""
    first = repository(tmp_path / "one")
    git(tmp_path, "clone", "--quiet", "--bare", "one", "origin.git")
    git(first, "remote", "add", "origin", "../origin.git")
    git(tmp_path, "clone", "--quiet", "origin.git", "two")
    return RunStore(first), RunStore(tmp_path / "two")


def share(store: RunStore) -> list[str]:
    """Push and pull what runs there are."""
    there = sharing.refs_of(store.root, "origin")
    run_sync.meet(store.root, "origin", there)
    notes = shared_refs.push(store.root, "origin", there)[1]
    return notes + shared_refs.fetch(store.root, "origin", sharing.refs_of(store.root, "origin"))


def finished(store: RunStore, name: str) -> str:
    run = store.create(name=name)
    store.log_batch(run.id, metrics=[MetricPoint("loss", 0.5, 1, 1)])
    store.update(run.id, status="FINISHED", end_time=1)
    return run.id


def refs(store: RunStore) -> dict[str, str]:
    return shared_refs.listed(store.root)


def test_runs_of_two_clones_come_together(clones):
    one, two = clones
    names = {finished(store, f"{number}") for number, store in enumerate([one, two] * 5)}
    for store in (one, two, one):
        assert share(store) == []
    assert refs(one) == refs(two)
    assert {each.id for each in two.all()} == names


def test_experiment_that_both_began_offline_is_one(clones):
    one, two = clones
    one.experiments.create("tumor", tags={"a": "1"})
    two.experiments.create("tumor", tags={"b": "2"})
    for store in (one, two, one):
        assert share(store) == []
    assert refs(one) == refs(two)
    assert one.experiments.named("tumor").tags == {"a": "1", "b": "2"}
    assert one.experiments.named("tumor") == two.experiments.named("tumor")


def test_run_that_both_edited_has_what_either_logged(clones):
    one, two = clones
    run_id = finished(one, "first")
    share(one), share(two)
    one.log_batch(run_id, tags={"a": "1"}, params={"p": "1"}, metrics=[MetricPoint("loss", 0.4, 2, 2)])
    two.log_batch(run_id, tags={"b": "2"}, metrics=[MetricPoint("loss", 0.3, 3, 3), MetricPoint("acc", 0.9, 3, 3)])
    one.log_batch(run_id, tags={"a": "3"})
    for store in (one, two, one):
        assert share(store) == []
    assert refs(one) == refs(two)
    found = one.get(run_id)
    assert (found.tags["a"], found.tags["b"], found.params) == ("3", "2", {"p": "1"})
    assert found.metrics["loss"].value == 0.3
    assert [each.value for each in one.history(run_id, "loss")] == [0.5, 0.4, 0.3]
    assert two.points(run_id) == one.points(run_id)
    assert git(one.root, "fsck", "--strict", "--no-dangling").strip() == ""


@pytest.mark.parametrize("first", [0, 1])
def test_both_sides_make_the_same_merge(clones, first):
    run_id = finished(clones[0], "first")
    share(clones[0]), share(clones[1])
    for number, store in enumerate(clones):
        store.log_batch(run_id, tags={"who": str(number), f"own-{number}": "yes"})
        store.delete_tag(run_id, key="mlflow.runName")
    tips = [store.get(run_id).commit for store in clones]
    order = [clones[first], clones[1 - first]]
    for store in order:
        there = {f"refs/mlgit/runs/{run_id}": tips[1 - clones.index(store)]}
        other = clones[1 - clones.index(store)]
        run_sync.meet(store.root, str(other.root), there)
        git(other.root, "update-ref", f"refs/mlgit/runs/{run_id}", tips[clones.index(other)])  # as it was, for the other
        if store is order[0]:
            made = store.get(run_id).commit
            git(store.root, "update-ref", f"refs/mlgit/runs/{run_id}", tips[clones.index(store)])
    assert store.get(run_id).commit == made
    assert store.get(run_id).tags.keys() == {"who", "own-0", "own-1"}


def test_files_that_both_logged_are_kept(clones, tmp_path):
    one, two = clones
    run_id = finished(one, "first")
    share(one), share(two)
    for name, store in zip("ab", clones, strict=True):
        (tmp_path / name).write_text(name)
        store.artifacts.put(run_id, {f"{name}.txt": tmp_path / name, "same": tmp_path / name})
    for store in (one, two, one):
        assert share(store) == []
    assert one.artifacts.read(run_id, "same") == two.artifacts.read(run_id, "same")
    for store, name in itertools.product(clones, "ab"):
        assert store.artifacts.read(run_id, f"{name}.txt") == name.encode()


def test_hostile_record_on_the_remote_stays_apart_and_is_told(clones):
    one, two = clones
    run_id = finished(one, "first")
    share(one), share(two)
    one.log_batch(run_id, tags={"a": "1"})
    empty = git(two.root, "commit-tree", "-m", "nothing", git(two.root, "write-tree"))
    git(two.root, "push", "--quiet", "--force", "origin", f"{empty}:refs/mlgit/runs/{run_id}")
    before = one.get(run_id)
    notes = share(one)
    assert any("went apart" in each for each in notes)
    assert one.get(run_id) == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"metrics": {"loss":[0.5,1,1]}', '"metrics": {"loss":[0.7]}'),
        ('"metrics": {"loss":[0.5,1,1]}', '"metrics": {"loss":"x"}'),
        ('"metrics": {"loss":[0.5,1,1]}', '"metrics": 7'),
        ('"model_metrics": []', '"model_metrics": [[1]]'),
        ('"tags": {', '"tags": [], "x": {'),
        ('"schema": 1', '"schema": 2'),
        ('"status": "FINISHED"', '"status": {}'),
    ],
)
def test_hostile_edit_on_the_remote_stays_apart(clones, old, new):
    one, two = clones
    run_id = finished(one, "first")
    share(one), share(two)
    one.log_batch(run_id, tags={"a": "1"})
    text = git(two.root, "show", f"refs/mlgit/runs/{run_id}:run.json")
    assert old in text
    (two.root / "run.json").write_text(text.replace(old, new))
    blob = git(two.root, "hash-object", "-w", "run.json")
    (two.root / "rows").write_text(f"100644 blob {blob}\trun.json\n")
    tree = git(two.root, "-c", "alias.make=!git mktree <rows", "make")
    edit = git(two.root, "commit-tree", "-m", "x", "-p", f"refs/mlgit/runs/{run_id}", tree)
    git(two.root, "push", "--quiet", "origin", f"{edit}:refs/mlgit/runs/{run_id}")
    before = one.get(run_id)
    notes = share(one)
    assert any("went apart" in each for each in notes)
    assert one.get(run_id) == before


def test_hostile_list_of_files_on_the_remote_stays_apart(clones, tmp_path):
    one, two = clones
    run_id = finished(one, "first")
    (tmp_path / "file").write_text("x")
    one.artifacts.put(run_id, {"file": tmp_path / "file"})
    share(one), share(two)
    one.log_batch(run_id, tags={"a": "1"})
    (two.root / "list").write_text('{"schema": 1, "files": {"../../x": [1, "%s"]}}' % ("a" * 32))
    blob = git(two.root, "hash-object", "-w", "list")
    rows = git(two.root, "ls-tree", f"refs/mlgit/runs/{run_id}").splitlines()
    rows = [row for row in rows if not row.endswith("artifacts.json")] + [f"100644 blob {blob}\tartifacts.json"]
    (two.root / "rows").write_text("\n".join([*rows, ""]))
    tree = git(two.root, "-c", "alias.make=!git mktree <rows", "make")
    edit = git(two.root, "commit-tree", "-m", "x", "-p", f"refs/mlgit/runs/{run_id}", tree)
    git(two.root, "push", "--quiet", "origin", f"{edit}:refs/mlgit/runs/{run_id}")
    assert any("went apart" in each for each in share(one))
    assert one.artifacts.read(run_id, "file") == b"x"
