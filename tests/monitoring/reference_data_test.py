"""The data that a version was trained with: as its commit has them, in batches by a column, by version, or none."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from mlgit import project as projects
from mlgit.config import parse
from mlgit.errors import MlgitError
from mlgit.monitoring import reference_data, reference_versions
from mlgit.monitoring_settings import cut
from mlgit.revision.revisions import Revisions
from tests.kit import commit, git, repository, write_tree

MODEL = parse({"mlgit": 1, "models": {"churn": {"train": ["data/train.csv"], "predictions": "p.csv"}}}).model("churn")
HEADER = "x,day\n"


def rows(*numbers, day="2026-05-03"):
    return "".join(f"{number},{day}\n" for number in numbers)


def read(root, revision="HEAD", *, by="", model=MODEL):
    with Revisions(projects.find(root)) as revisions:
        at = revisions.commit(revisions.resolve(revision) if revision else "")
        return reference_data.read(revisions, at, model, cut=cut(by))


def batches(found):
    return [each.columns["x"].tolist() for each in found.batches]


@pytest.fixture
def root(tmp_path):
    return repository(tmp_path / "project")


def version(root, *texts, name="data/train.csv"):
    write_tree(root, {name: HEADER + "".join(texts)})
    return commit(root)


def test_batches_are_cut_as_windows_are_where_the_data_have_the_column(root):
    version(root, rows(1, 2), rows(3, day="2026-05-04"))
    found = read(root, by="day(day)")
    assert (found.kind, found.by, batches(found)) == ("column", "day(day)", [[1, 2], [3]])
    assert [each.name for each in found.batches] == ["2026-05-03", "2026-05-04"]
    assert found.notes == ()


def test_versions_are_batches_of_the_rows_that_each_brought(root):
    version(root, rows(1, 2))
    version(root, rows(1, 2, 3))
    write_tree(root, {"other.txt": "no change of the data"})
    commit(root)
    version(root, rows(4, 2, 3, 1, 5))
    found = read(root, by="day(ts)")
    assert (found.kind, found.by, batches(found)) == ("versions", "", [[1, 2], [3], [4, 5]])
    assert found.notes == ("the training data have no column 'ts' to be cut by",)
    assert len({each.name for each in found.batches}) == 3


def test_a_version_that_only_takes_rows_away_brings_none(root):
    version(root, rows(1, 2, 3))
    version(root, rows(1))
    version(root, rows(1, 9))
    assert batches(read(root)) == [[1, 2, 3], [9]]


def test_data_that_were_replaced_are_a_batch_as_a_whole(root):
    version(root, rows(1, 2))
    version(root, rows(7, 8, 9))
    assert batches(read(root)) == [[1, 2], [7, 8, 9]]


def test_an_older_version_sees_no_later_data(root):
    first = version(root, rows(1))
    second = version(root, rows(1, 2))
    version(root, rows(1, 2, 3))
    assert batches(read(root, second)) == [[1], [2]]
    assert read(root, first).kind == "rows"


def test_the_workspace_is_the_last_version(root):
    version(root, rows(1))
    write_tree(root, {"data/train.csv": HEADER + rows(1, 2)})
    before = read(root, "")
    commit(root)
    assert batches(before) == [[1], [2]]
    assert [each.name for each in read(root).batches] == [each.name for each in before.batches]


def test_one_version_without_days_is_one_batch(root):
    version(root, rows(1, 2))
    found = read(root, by="day(day)")
    assert (found.kind, batches(found)) == ("rows", [[1, 2]])
    assert found.notes == (
        "the training data have one day(day) only",
        "nothing tells on which days rows of the training data came: they count as exchangeable",
    )


def test_versions_that_dvc_has_are_read_from_its_cache(root, cli):
    for numbers in ((1,), (1, 2), (1, 2, 3)):
        write_tree(root, {"data/train.csv": HEADER + rows(*numbers)})
        assert cli(root, "add", "data/train.csv").code == 0
        commit(root)
    found = read(root)
    assert batches(found) == [[1], [2], [3]]
    assert found.digests == {"data/train.csv": f"md5:{git(root, 'show', 'HEAD:data/train.csv.dvc').split('md5: ')[1][:32]}"}
    (root / "data/train.csv").unlink()
    assert batches(read(root)) == [[1], [2], [3]]
    middle = git(root, "show", "HEAD~1:data/train.csv.dvc").split("md5: ")[1][:32]
    (root / ".dvc/cache/files/md5" / middle[:2] / middle[2:]).unlink()
    lost = read(root)
    assert batches(lost) == [[1], [2, 3]]
    assert "1 older version of the training data cannot be had" in lost.notes
    shutil.rmtree(root / ".dvc/cache")
    with pytest.raises(MlgitError, match=r"data/train\.csv: not in the cache") as lacking:
        read(root)
    assert lacking.value.hint == "`mlgit pull` brings it"


def test_data_of_several_paths_are_one_table(root):
    version(root, rows(1), name="data/a.csv")
    version(root, rows(2), name="parts/b.csv")
    version(root, rows(2, 3), name="parts/b.csv")
    found = read(root, model=replace(MODEL, train=("data/a.csv", "parts")))
    assert batches(found) == [[1, 2], [3]]
    assert set(found.digests) == {"data/a.csv", "parts"}


def test_a_project_in_a_subfolder_has_its_own_history(tmp_path):
    top = repository(tmp_path / "top")
    shutil.move(top / ".dvc", tmp_path / "dvc")
    (top / "sub").mkdir()
    shutil.move(tmp_path / "dvc", top / "sub/.dvc")
    for numbers in ((1,), (1, 2)):
        write_tree(top, {"sub/data/train.csv": HEADER + rows(*numbers), "data/train.csv": HEADER + rows(*numbers, 99)})
        commit(top)
    assert batches(read(top / "sub")) == [[1], [2]]


def test_what_a_branch_tried_before_its_merge_is_no_version(root):
    version(root, rows(1))
    git(root, "checkout", "--quiet", "-b", "try")
    version(root, rows(1, 50))
    version(root, rows(1, 2))
    git(root, "checkout", "--quiet", "-")
    git(root, "merge", "--quiet", "--no-ff", "-m", "Merge", "try")
    assert batches(read(root)) == [[1], [2]]


def test_a_commit_whose_pipeline_cannot_be_read_is_passed_over(root):
    version(root, rows(1))
    write_tree(root, {"dvc.yaml": "stages: [", "data/train.csv": HEADER + rows(1, 2)})
    commit(root)
    (root / "dvc.yaml").unlink()
    version(root, rows(1, 2, 3))
    assert batches(read(root)) in ([[1], [2], [3]], [[1], [2, 3]])


def test_the_newest_of_many_versions_are_taken(root, monkeypatch):
    for last in range(1, 6):
        version(root, rows(*range(last)))
    monkeypatch.setattr(reference_versions, "MOST_VERSIONS", 3)
    assert batches(read(root)) == [[0, 1, 2], [3], [4]]


@pytest.mark.parametrize(
    ("model", "what"),
    [
        (replace(MODEL, train=()), r"models\.churn\.train: missing"),
        (replace(MODEL, train=("gone.csv",)), r"gone\.csv: no such file"),
        (replace(MODEL, train=("../x.csv",)), r"\.\./x\.csv: not in the project"),
        (replace(MODEL, train=("empty.csv",)), r"empty\.csv: no rows"),
        (replace(MODEL, train=("notes.md",)), r"notes\.md: no table"),
    ],
)
def test_what_cannot_be_had_is_told(root, model, what):
    write_tree(root, {"empty.csv": HEADER, "notes.md": "x"})
    commit(root)
    with pytest.raises(MlgitError, match=what) as refused:
        read(root, model=model)
    assert refused.value.hint or "inside" not in what


def test_answers_at_release_come_by_role(root):
    write_tree(root, {"p.csv": "label,prediction,score,shop\n1,None,0.5,a\n0,b,0.25,b\n"})
    commit(root)
    notes = []
    with Revisions(projects.find(root)) as revisions:
        found = reference_data.released_predictions(revisions.commit(revisions.resolve("HEAD")), MODEL, notes)
    assert (found.label.tolist(), found.prediction.tolist(), found.score.tolist()) == ([1, 0], ["None", "b"], [0.5, 0.25])
    assert (found.id, found.columns["shop"].tolist(), notes) == (None, ["a", "b"], [])


@pytest.mark.parametrize(("model", "what"), [(MODEL, "cannot be had: p.csv"), (replace(MODEL, predictions=""), "not declared")])
def test_answers_that_are_not_there_are_no_fault(root, model, what):
    version(root, rows(1))
    notes = []
    with Revisions(projects.find(root)) as revisions:
        assert reference_data.released_predictions(revisions.workspace, model, notes) is None
    assert what in notes[0]
