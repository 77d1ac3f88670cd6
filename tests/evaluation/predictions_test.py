"""Tables of predictions as they lie: formats, types, and what is told of those that cannot be read."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest

from mlgit import project as projects
from mlgit.config import parse
from mlgit.errors import MlgitError
from mlgit.evaluation import predictions
from mlgit.evaluation.predictions import from_file
from mlgit.revision import comparison_start
from mlgit.revision.refs import RevisionRef
from mlgit.revision.revisions import Revisions
from mlgit.rules import Gates, Stats
from mlgit.tables import limits
from tests.kit import commit, repository, write_tree
from tests.tables.written import parquet

pytestmark = pytest.mark.slow  # many repositories

MODEL = parse({"mlgit": 1, "models": {"m": {"predictions": "p.csv", "id": "id", "metrics": "m.json"}}}).model("m")
ROWS = [{"id": f"{number:03}", "label": number % 2, "prediction": number % 2, "score": 0.5} for number in range(3)]


def read(tmp_path, content, ending="csv", gates=None):
    path = tmp_path / f"x.{ending}"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return from_file(path, MODEL, gates=gates or Gates())


@pytest.mark.parametrize(
    ("ending", "content"),
    [
        ("csv", "id,label,prediction,score\n000,0,0,0.5\n001,1,1,0.5\n002,0,0,0.5\n"),
        ("tsv", "id\tlabel\tprediction\tscore\n000\t0\t0\t0.5\n001\t1\t1\t0.5\n002\t0\t0\t0.5\n"),
        ("jsonl", "\n".join(map(json.dumps, ROWS))),
        ("json", json.dumps(ROWS)),
        ("CSV.gz", gzip.compress(b"id,label,prediction,score\n000,0,0,0.5\n001,1,1,0.5\n002,0,0,0.5\n", mtime=0)),
        ("ndjson.gz", gzip.compress("\n".join(map(json.dumps, ROWS)).encode(), mtime=0)),
        ("parquet", parquet(list(ROWS[0]), [tuple(row.values()) for row in ROWS])),
    ],
)
def test_every_format_gives_the_same_columns(tmp_path, ending, content):
    found = read(tmp_path, content, ending)
    assert {name: column.tolist() for name, column in found.items()} == {
        name: [row[name] for row in ROWS] for name in ("id", "label", "prediction", "score")
    }
    assert all(found[name].dtype.kind in "iuf" for name in ("label", "prediction", "score"))


def test_only_an_empty_field_is_missing(tmp_path):
    found = read(tmp_path, "id,label,prediction\nNA,None,nan\nnull,None,\n")
    assert found["id"].tolist() == ["NA", "null"]
    assert found["label"].tolist() == ["None", "None"]
    assert found["prediction"].tolist()[0] == "nan"
    assert found["prediction"].tolist()[1] != found["prediction"].tolist()[1]


def test_number_that_is_none_is_missing_beside_numbers(tmp_path):
    found = read(tmp_path, "id,label,prediction,score\n1,nan,nan,0.5\n2,1,,NaN\n3,0,1,x\n")
    assert found["prediction"].dtype == float
    assert np.isnan(found["prediction"]).tolist() == [True, True, False]
    assert found["label"].tolist() == ["nan", "1", "0"]  # a class may be called so
    assert found["score"].tolist() == ["0.5", "NaN", "x"]


def test_column_that_is_text_further_down_is_text_everywhere(tmp_path):
    rows = [f"{number},0,0" for number in range(3000)]
    found = read(tmp_path, "\n".join(["id,label,prediction", *rows, "x,other,other"]))
    assert (found["label"][0], found["label"][-1], found["id"][5]) == ("0", "other", "5")


def test_key_that_an_object_lacks_is_missing(tmp_path):
    found = read(tmp_path, '{"id": 1, "label": 0}\n{"id": 2, "label": 1, "prediction": 1}', "jsonl")
    assert found["prediction"].tolist()[1] == 1
    assert np.isnan(found["prediction"][0])


def test_columns_that_no_rule_needs_are_left_out(tmp_path):
    text = "id,label,prediction,secret,ward,patient\n1,0,0,x,007,3\n"
    assert read(tmp_path, text).keys() == {"id", "label", "prediction", "patient"}  # rows of one patient may be alike
    assert read(tmp_path, text, gates=Gates(stats=Stats(cluster="ward")))["ward"].tolist() == ["007"]


@pytest.mark.parametrize(
    ("ending", "content", "said"),
    [
        ("json", '{"a": 1}', "no list of JSON objects"),
        ("json", "[1, 2]", "no list of JSON objects"),
        ("json", "[", "no JSON"),
        ("jsonl", "[1]", "no JSON object"),
        ("csv", b"a,b\n\0", "not a text file"),
        ("csv", "a,b\n1,2,3\n", "no table with commas"),
    ],
)
def test_what_is_no_table_is_told(tmp_path, ending, content, said):
    with pytest.raises(MlgitError, match=said):
        read(tmp_path, content, ending)


def test_table_that_would_not_fit_into_memory_is_told_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "PREDICTIONS_BYTES", 10)
    with pytest.raises(MlgitError) as caught:
        read(tmp_path, "id,label,prediction\n" + "1,2,3\n" * 1000)
    assert caught.value.message == "p.csv: 5.88 KiB would take about 58.8 KiB of memory to compare"
    assert "tables of up to 10 B are read" in caught.value.hint


@pytest.fixture
def root(tmp_path):
    files = {
        "mlgit.yaml": "mlgit: 1\n",
        "p.csv": "id,label,prediction\n1,0,0\n",
        "m.json": '{"f1": 0.5, "name": "x", "big": 1e400}',
    }
    return repository(tmp_path / "project", files)


def side(root, revision="", **declared):
    project = projects.find(root)
    point = comparison_start.point(Revisions(project), revision) if revision else RevisionRef()
    model = parse({"mlgit": 1, "models": {"m": {"predictions": "p.csv", "id": "id", "metrics": "m.json", **declared}}}).model(
        "m"
    )
    return predictions.read(Revisions(project).at(point), {"m": model}, gates=Gates()).scored["m"]


@pytest.mark.parametrize("revision", ["", "HEAD"])
def test_files_in_git_are_read_without_a_pipeline(root, revision):
    found = side(root, revision)
    assert found.table is not None
    assert found.table["id"].tolist() == ["1"]
    assert found.recorded == {"f1": 0.5, "big": float("inf")}
    assert (found.trouble, found.test, len(found.output)) == ("", "", 32)


def test_test_data_has_one_digest_whatever_the_order_of_its_files(root):
    write_tree(root, {"a.csv": "1", "b.csv": "2"})
    commit(root)
    assert side(root, test=["a.csv", "b.csv"]).test == side(root, "HEAD", test=["b.csv", "a.csv"]).test != ""
    assert side(root, test=["a.csv"]).test == "c4ca4238a0b923820dcc509a6f75849b"
    assert side(root, test=["a.csv", "gone.csv"]).test == ""


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"predictions": "../p.csv"}, "it is not in the project"),
        ({"predictions": "p.pickle"}, "ends in none of csv"),
        ({"metrics": "broken.json"}, "broken.json"),
    ],
)
def test_what_cannot_be_read_is_the_models_trouble(root, declared, said):
    write_tree(root, {"broken.json": "{"})
    assert said in side(root, **declared).trouble


def test_pattern_that_matches_too_many_files_reads_none(root, monkeypatch):
    write_tree(root, {f"seeds/{number}.csv": "id,label,prediction\n1,0,0\n" for number in range(4)})
    seeds = {"predictions": "seeds/*.csv", "repeats": "seeds"}
    assert side(root, **seeds).trouble == ""
    monkeypatch.setattr(limits, "PREDICTIONS_FILES_BYTES", 50)
    assert side(root, **seeds).trouble == "seeds/*.csv: 104 B in 4 files, and at most 50 B are read"
    monkeypatch.setattr(limits, "PREDICTIONS_FILES", 3)
    assert side(root, **seeds).trouble == "seeds/*.csv: 4 files, and at most 3 are read at once"


def test_link_that_leads_to_itself_is_named(root):
    write_tree(root, {"seeds/1.csv": "id,label,prediction\n1,0,0\n"})
    (root / "seeds/2.csv").symlink_to("2.csv")
    with pytest.raises(MlgitError, match=r"^seeds: cannot be listed: .*2\.csv: Too many levels of symbolic links"):
        side(root, predictions="seeds/*.csv", repeats="seeds")


def test_side_without_the_files_is_empty(root):
    assert side(root, predictions="none.csv", metrics="none.json").is_empty
    assert not side(root, metrics="none.json").is_empty


def test_configuration_of_a_commit_is_that_of_the_commit(root):
    project = projects.find(root)
    write_tree(root, {"mlgit.yaml": "mlgit: 2\n"})
    assert Revisions(project).at(comparison_start.point(Revisions(project), "HEAD")).own_config is not None
    with pytest.raises(MlgitError, match=r"^mlgit\.yaml: mlgit"):
        Revisions(project).workspace.own_config  # noqa: B018
    oid = commit(root)
    with pytest.raises(MlgitError, match=rf"^{oid[:7]}:mlgit\.yaml: mlgit"):
        Revisions(project).at(comparison_start.point(Revisions(project), "HEAD")).own_config  # noqa: B018
