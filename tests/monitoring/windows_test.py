"""Windows of a project: files, folders, patterns, partitions, DVC's data, and the prediction log."""

from __future__ import annotations

import gzip
import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from mlgit import project as projects
from mlgit.config import parse
from mlgit.errors import MlgitError
from mlgit.monitoring import windows
from mlgit.monitoring_settings import WindowSource, cut
from mlgit.revision.revisions import Revisions
from mlgit.serving import log_header, log_packing
from tests.kit import commit, git, repository, write_tree
from tests.kit.late import Module
from tests.serving import logs

pa = Module("pyarrow")
pq = Module("pyarrow.parquet")

NOW = datetime(2027, 2, 1, tzinfo=UTC)
MODEL = parse({"mlgit": 1, "models": {"churn": {"id": "id", "positive": 1}}}).model("churn")
MAY = "x,day\n1,2026-05-03\n2,2026-05-04\n"


def read(root, *paths, by="", since=None, model=MODEL, **more):
    with Revisions(projects.find(root)) as revisions:
        source = WindowSource(tuple(paths), by=cut(by))
        return windows.read(revisions.workspace, source, model=model, now=NOW, since=since, **more)


def shape(found):
    return [(each.name, each.rows) for each in found.windows]


@pytest.fixture
def root(tmp_path):
    return repository(tmp_path / "project")


def test_a_file_is_cut_and_told_apart_by_content(root):
    write_tree(root, {"a.csv": MAY, "b.csv": "day,x\n2026-05-04,2\n2026-05-03,1.0\n"})
    found = read(root, "a.csv", by="day(day)")
    assert shape(found) == [("2026-05-03", 1), ("2026-05-04", 1)]
    assert [each.digest for each in read(root, "b.csv", by="day(day)").windows] == [each.digest for each in found.windows]


def test_a_folder_is_one_table_and_a_match_of_a_pattern_one_each(root):
    write_tree(root, {"in/a.csv": "x\n1\n", "in/b/c.csv": "x\n2\n3\n", "in/.hidden.csv": "x\n9\n", "in/notes.md": "no table"})
    assert shape(read(root, "in")) == [("in", 3)]
    assert shape(read(root, "in/**/*.csv")) == [("in/a.csv", 1), ("in/b/c.csv", 2)]
    assert shape(read(root, "in/*")) == [("in/a.csv", 1), ("in/b", 2)]
    assert shape(read(root, "in/[ab].csv", "in/b/?.csv")) == [("in/a.csv", 1), ("in/b/c.csv", 2)]


def test_files_that_one_day_is_in_are_one_window(root):
    write_tree(
        root, {"in/a.csv": MAY, "in/b.jsonl": '{"x": 5, "day": "2026-05-04"}\n', "in/c.csv.gz": gzip.compress(MAY.encode())}
    )
    assert shape(read(root, "in/*", by="day(day)")) == [("2026-05-03", 2), ("2026-05-04", 3)]


def test_folders_of_hive_are_columns(root):
    for day in ("2026-05-03", "2026-05-04"):
        (root / f"in/day={day}/shop=7").mkdir(parents=True)
        pq.write_table(pa.table({"x": [1.0, 2.0]}), root / f"in/day={day}/shop=7/part.parquet")
    (root / "in/day=__HIVE_DEFAULT_PARTITION__").mkdir()
    pq.write_table(pa.table({"x": [3.0]}), root / "in/day=__HIVE_DEFAULT_PARTITION__/part.parquet")
    found = read(root, "in", by="day(day)")
    assert shape(found) == [("2026-05-03", 2), ("2026-05-04", 2)]
    assert found.left_out == 1
    assert found.windows[0].columns["shop"].tolist() == [7, 7]


def test_what_is_over_is_not_read(root):
    write_tree(root, {"in/day=2026-01-03/a.csv": "no,table\n1\n2,3,4\n", "in/day=2026-05-03/a.csv": "x\n1\n"})
    since = datetime(2026, 5, 1, 10, tzinfo=UTC)
    assert shape(read(root, "in", by="day(day)", since=since)) == [("2026-05-03", 1)]


def test_windows_from_the_last_one_on_are_whole(root):
    write_tree(root, {"a.csv": "t\n2026-05-02T10:00Z\n2026-05-03T01:00Z\n2026-05-03T10:00Z\n"})
    found = read(root, "a.csv", by="day(t)", since=datetime(2026, 5, 3, 5, tzinfo=UTC))
    assert shape(found) == [("2026-05-03", 2)]


def test_answers_in_a_file_are_no_inputs(root):
    write_tree(root, {"a.csv": "id,x,prediction,score\n007,1,1,0.9\n008,2,0,0.1\n", "b.csv": "id,x,score\n1,1,5\n2,2,6\n"})
    (found,) = read(root, "a.csv").windows
    assert (found.ids.tolist(), found.predictions.tolist(), found.scores.tolist()) == (["007", "008"], [1, 0], [0.9, 0.1])
    assert list(found.columns) == ["x"]
    (other,) = read(root, "b.csv").windows
    assert (other.ids.tolist(), other.scores, list(other.columns)) == ([1, 2], None, ["x", "score"])


def test_columns_that_the_contract_calls_texts_are_texts(root):
    write_tree(root, {"a.csv": "zip\n007\n"})
    assert read(root, "a.csv", texts={"zip"}).windows[0].columns["zip"].tolist() == ["007"]


def test_data_of_dvc_are_read_where_they_do_not_lie(root, cli):
    write_tree(root, {"data/now.csv": MAY, "parts/a.csv": MAY, "parts/b.csv": MAY})
    assert cli(root, "add", "data/now.csv", "parts").code == 0
    commit(root)
    (root / "data/now.csv").unlink()
    shutil.rmtree(root / "parts")
    assert shape(read(root, "data/now.csv", by="day(day)")) == [("2026-05-03", 1), ("2026-05-04", 1)]
    assert shape(read(root, "data/*.csv")) == [("data/now.csv", 2)]
    assert shape(read(root, "parts")) == [("parts", 4)]
    assert shape(read(root, "parts/*")) == [("parts/a.csv", 2), ("parts/b.csv", 2)]
    shutil.rmtree(root / ".dvc/cache")
    with pytest.raises(MlgitError) as lacking:
        read(root, "data/now.csv")
    assert "mlgit pull" in lacking.value.hint


def test_data_that_only_the_remote_has_are_fetched(root, cli):
    write_tree(root, {"now.csv": MAY})
    (root / ".dvc/config").write_text(f"[core]\n    remote = there\n['remote \"there\"']\n    url = {root.parent}/there\n")
    assert cli(root, "add", "now.csv").code == 0
    commit(root)
    shutil.copytree(root / ".dvc/cache", root.parent / "there")
    shutil.rmtree(root / ".dvc/cache")
    (root / "now.csv").unlink()
    assert shape(read(root, "now.csv")) == [("now.csv", 2)]


@pytest.mark.parametrize("path", ["/etc/passwd", "../other.csv", "s3://bucket/x.csv", "a/../../x.csv"])
def test_paths_out_of_the_project_are_refused(root, path):
    with pytest.raises(MlgitError, match="not in the project"):
        read(root, path)


@pytest.mark.parametrize("named", ["in", "in/*.csv", "in/x.csv", "**/*.csv"])
def test_links_out_of_the_repository_are_not_followed(root, named):
    (root.parent / "secret.csv").write_text("x\n1\n")
    (root / "in").mkdir()
    (root / "in/x.csv").symlink_to(root.parent / "secret.csv")
    with pytest.raises(MlgitError, match=r"in/x\.csv: a symbolic link out of the repository"):
        read(root, named)


def test_a_link_to_a_folder_elsewhere_is_not_followed(root):
    write_tree(root.parent, {"elsewhere/x.csv": "x\n1\n"})
    (root / "in").symlink_to(root.parent / "elsewhere")
    for named in ("in", "in/*.csv", "in/x.csv"):
        with pytest.raises(MlgitError):
            read(root, named)


@pytest.mark.parametrize(
    ("files", "path", "what"),
    [
        ({}, "gone.csv", r"gone\.csv: no such file"),
        ({}, "gone/*.csv", r"gone/\*\.csv: no table there"),
        ({"in/notes.md": "x"}, "in", "in: no table there"),
        ({}, "logs/churn", "logs/churn: no such file or folder"),
        ({"notes.md": "x"}, "notes.md", r"notes\.md: no table: it ends in none of"),
        ({"in/x.pkl": "x", "in/a.csv": "x\n1\n"}, "in", r"in/x\.pkl: no table"),
        ({"in/x.csv": "a,b\n1,2,3\n"}, "in", r"in/x\.csv: no table with commas"),
    ],
)
def test_what_is_not_there_or_no_table_is_told(root, files, path, what):
    write_tree(root, files)
    with pytest.raises(MlgitError, match=what) as refused:
        read(root, path)
    assert refused.value.hint or "commas" in what


def test_without_a_source_the_way_out_is_told(root):
    with pytest.raises(MlgitError, match=r"monitoring\.churn: no `windows:`") as refused:
        read(root)
    assert "--current" in refused.value.hint


def test_no_rows_are_said(root):
    write_tree(root, {"a.csv": "x\n"})
    found = read(root, "a.csv", by="day(x)")
    assert (found.windows, found.notes) == ((), ("no rows",))


def test_a_typed_path_may_lie_anywhere(tmp_path):
    write_tree(tmp_path, {"in/a.csv": MAY, "in/b.csv": MAY, "odd[1].csv": "x\n1\n"})
    read_file = lambda name, by="": windows.read_file(str(tmp_path / name), by=cut(by), model=MODEL, now=NOW)  # noqa: E731
    assert [each.rows for each in read_file("in").windows] == [4]
    assert [Path(each.name).name for each in read_file("in/*.csv").windows] == ["a.csv", "b.csv"]
    assert [each.rows for each in read_file("odd[1].csv").windows] == [1]
    with pytest.raises(MlgitError, match="no such file or folder"):
        read_file("gone.csv")


def test_a_hostile_pattern_ends(root):
    write_tree(root, {f"in/{'a' * 200}.csv": "x\n1\n"})
    with pytest.raises(MlgitError, match="no table there"):
        read(root, "in/" + "*a" * 60 + "*b")
    with pytest.raises(MlgitError, match="no table there"):
        read(root, "/".join(["in", *["**"] * 60, "b*"]))


def answers(count, **more):
    return logs.single([0.9 if number % 2 else 0.2 for number in range(count)], **more)


def test_the_log_says_what_the_champion_was_asked_and_answered(root):
    logs.write(root / "logs/churn", answers(3), version="v1.0.0")
    logs.write(root / "logs/churn", answers(3), version="v1.1.0", role="shadow")
    found = read(root, "logs/churn/**/*.jsonl", by="day(ts)")
    (window,) = found.windows
    assert window.ids.tolist() == ["r0", "r1", "r2"]
    assert (window.predictions.tolist(), window.scores.tolist()) == ([0, 1, 0], [0.2, 0.9, 0.2])
    assert (window.columns["x"].tolist(), window.versions, window.rows) == ([0, 1, 2], ("v1.0.0",), 3)
    assert window.since == log_header.stamp(logs.START).replace(".000", "")
    assert found.notes == ("3 requests of a canary or shadow left out",)


def test_a_packed_log_is_the_log(root):
    logs.write(root / "logs", answers(4), version="v1.0.0", classes=("no", "yes"), columns=("prediction",))
    logs.write(root / "logs", answers(4, prefix="s"), version="v1.1.0", role="shadow", columns=("prediction",))
    log_packing.pack([root / "logs"], root / "packed.parquet")
    model = parse({"mlgit": 1, "models": {"churn": {"positive": "yes"}}}).model("churn")
    (one,) = read(root, "logs", by="day(ts)", model=model).windows
    (other,) = read(root, "packed.parquet", by="day(ts)", model=model).windows
    assert one.digest == other.digest
    assert (one.columns["prediction"].tolist(), one.scores.tolist()) == ([0, 1, 2, 3], [0.2, 0.9, 0.2, 0.9])
    assert (one.since, one.until, one.versions, one.ids.tolist()) == (
        other.since,
        other.until,
        other.versions,
        other.ids.tolist(),
    )


def test_rows_of_several_processes_are_in_the_order_of_their_time(root):
    logs.write(root / "logs", answers(3, prefix="a"), version="v1.0.0", name="7")
    logs.write(root / "logs", answers(3, prefix="b"), version="v1.1.0", name="8")
    (window,) = read(root, "logs").windows
    assert window.ids.tolist() == ["a0", "b0", "a1", "b1", "a2", "b2"]
    assert window.versions == ("v1.0.0", "v1.1.0")


def test_logs_of_other_models_and_torn_lines_are_told(root):
    logs.write(root / "logs", answers(2), version="v1.0.0", model="other")
    logs.write(root / "logs", answers(2), version="v1.1.0")
    (torn,) = (root / "logs").glob("*/champion-v1.1.0.jsonl")
    torn.write_bytes(torn.read_bytes() + b'{"id": "half')
    found = read(root, "logs", by="day(ts)")
    assert shape(found) == [(log_header.hour_folder(logs.START // 3600)[:10], 2)]
    assert found.notes == ("2 requests of other models left out", "1 line of the log is no request")


def test_hours_before_the_last_verdict_are_not_read(root):
    logs.write(root / "logs", answers(2), version="v1.0.0")
    (root / "logs/2020-01-01T00").mkdir()
    (root / "logs/2020-01-01T00/1-v1.0.0.jsonl").write_text("no line of a log\n")  # whoever read it would refuse it
    since = datetime.fromtimestamp(logs.START, UTC)
    assert [each.rows for each in read(root, "logs", by="day(ts)", since=since).windows] == [2]


def test_a_log_that_dvc_keeps_is_still_a_log(root, cli):
    logs.write(root / "logs", answers(2), version="v1.0.0")
    (path,) = (root / "logs").glob("*/*.jsonl")
    path.with_name("packed.jsonl.gz").write_bytes(gzip.compress(path.read_bytes()))
    assert cli(root, "add", "logs").code == 0
    before = read(root, "logs").windows[0]
    shutil.rmtree(root / "logs")
    after = read(root, "logs").windows[0]
    assert (after.digest, after.rows, after.versions) == (before.digest, 4, ("v1.0.0",))


def test_an_input_called_as_the_time_goes_before_it(root):
    logs.write(root / "logs", [("a", [["2020-01-01"]], [1])], version="v1.0.0", columns=("ts",))
    assert [each.name for each in read(root, "logs", by="day(ts)").windows] == ["2020-01-01"]


def test_a_log_without_probabilities_has_no_scores(root):
    logs.write(root / "logs", [("a", [[1], [2]], [3.5, 4.5])], version="v1.0.0", classes=())
    (window,) = read(root, "logs").windows
    assert (window.ids.tolist(), window.predictions.tolist(), window.scores) == (["a/0", "a/1"], [3.5, 4.5], None)


def test_a_row_that_is_too_short_lacks_its_last_values(root):
    logs.write(root / "logs", [("a", [[1], [2, 3]], [0, 1])], version="v1.0.0", columns=("x", "y"))
    (window,) = read(root, "logs").windows
    assert [None if np.isnan(each) else each for each in window.columns["y"]] == [None, 3.0]


def test_git_alone_is_enough(root):
    write_tree(root, {"a.csv": MAY})
    git(root, "add", "a.csv")
    assert shape(read(root, "a.csv")) == [("a.csv", 2)]
