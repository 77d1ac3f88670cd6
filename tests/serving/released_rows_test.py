"""The rows that a server is asked at its start: those that were predicted first, found in the test data by their id."""

from __future__ import annotations

import gzip

import pytest

from mlgit import project as projects
from mlgit.revision.revisions import Revisions
from mlgit.serving import released_rows
from tests.kit import repository
from tests.kit.late import Module

pd = Module("pandas")

SETTINGS = """\
mlgit: 1
models:
  m: {predictions: predictions.csv, id: id, test: [test.csv]}
"""
TEST = "id,x,city,when,label\n1,0.5,Oslo,2026-01-01,0\n2,,Rome,2026-01-02,1\n03,7,,2026-01-03,1\n"
PREDICTIONS = "id,label,prediction,score\n03,1,1,0.9000\n1,0,0,0.12345\n2,1,1,0.7\n9,1,1,0.1\n"


def read(tmp_path, **files):
    root = repository(
        tmp_path / "project", {"mlgit.yaml": SETTINGS, "test.csv": TEST, "predictions.csv": PREDICTIONS} | with_dots(files)
    )
    with Revisions(projects.find(root)) as revisions:
        revision = revisions.commit(revisions.resolve("HEAD"))
        return released_rows.read(revision, revision.config.model("m"))


def with_dots(files):
    return {name.replace("_yaml", ".yaml").replace("_csv", ".csv"): content for name, content in files.items()}


def test_rows_have_the_order_of_the_predictions_and_the_values_of_the_test_data(tmp_path):
    found = read(tmp_path)
    assert found.columns == ("x", "city", "when")
    assert found.ids == ("03", "1", "2")
    assert found.rows == ((7.0, None, "2026-01-03"), (0.5, "Oslo", "2026-01-01"), (None, "Rome", "2026-01-02"))
    assert (found.answers["prediction"], found.answers["score"]) == ([1, 0, 1], [0.9, 0.12345, 0.7])


def test_precision_is_what_each_number_was_written_with(tmp_path):
    assert read(tmp_path).answers["precision"]["score"] == pytest.approx([5e-5, 5e-6, 0.05])


def test_numbers_in_full_are_exact_and_short_ones_among_them_too(tmp_path):
    rows = "id,prediction,score\n03,1,0.5\n1,0,0.12345678901234567\n"
    assert read(tmp_path, predictions_csv=rows).answers["precision"]["score"] == [0.0, 0.0]


def test_whole_number_among_rounded_ones_is_rounded_as_they_are(tmp_path):
    rows = "id,prediction,score\n03,1,1\n1,0,1.5e-3\n"
    assert read(tmp_path, predictions_csv=rows).answers["precision"]["score"] == pytest.approx([5e-5, 5e-5])


def test_class_that_is_called_none_is_one(tmp_path):
    rows = "id,prediction\n03,None\n1,NA\n"
    assert read(tmp_path, predictions_csv=rows).answers["prediction"] == ["None", "NA"]


def test_id_that_was_predicted_twice_is_passed_over(tmp_path):
    rows = "id,prediction\n1,0\n1,1\n2,1\n"
    assert read(tmp_path, predictions_csv=rows).ids == ("2",)


def test_several_files_of_test_data_are_one(tmp_path):
    settings = SETTINGS.replace("[test.csv]", "[test.csv, more.csv]")
    found = read(tmp_path, mlgit_yaml=settings, more_csv="id,x,extra\n9,4,5\n")
    assert (found.ids[-1], found.rows[-1]) == ("9", (4, None, None, 5))


def test_parquet_keeps_its_types(tmp_path):
    frame = pd.DataFrame({"id": [1, 2], "x": [1.25, None], "when": pd.to_datetime(["2026-01-01", None]), "ok": [True, False]})
    frame.to_parquet(tmp_path / "test.parquet")
    pd.DataFrame({"id": [2, 1], "prediction": [0.1 + 0.2, 1.0]}).to_parquet(tmp_path / "predictions.parquet")
    content = {name: (tmp_path / name).read_bytes() for name in ("test.parquet", "predictions.parquet")}
    root_settings = SETTINGS.replace("test.csv", "test.parquet").replace("predictions.csv", "predictions.parquet")
    found = read(tmp_path, mlgit_yaml=root_settings, **content)
    assert found.rows == ((None, None, False), (1.25, "2026-01-01T00:00:00", True))
    assert found.answers["prediction"] == [0.1 + 0.2, 1.0]
    assert found.answers["precision"]["prediction"] == [0.0, 0.0]


def test_compressed_tables_are_read(tmp_path):
    settings = SETTINGS.replace("[test.csv]", "[test.csv.gz]")
    found = read(tmp_path, mlgit_yaml=settings, **{"test.csv.gz": gzip.compress(TEST.encode())})
    assert found.ids == ("03", "1", "2")


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"mlgit_yaml": SETTINGS.replace("id: id, ", "")}, "mlgit.yaml names no `id` under models.m"),
        ({"mlgit_yaml": SETTINGS.replace(", test: [test.csv]", "")}, "mlgit.yaml names no `test` under models.m"),
        ({"predictions_csv": "id,label\n1,0\n"}, "predictions.csv: neither a column 'prediction' nor 'score'"),
        ({"predictions_csv": "prediction\n1\n"}, "predictions.csv: no column 'id'"),
        ({"predictions_csv": "id,prediction\n"}, "predictions.csv: no rows"),
        ({"predictions_csv": "id,prediction\n8,1\n"}, "no row of test.csv has an id of the first rows of predictions.csv"),
        ({"predictions_csv": "id,prediction\n1,\n"}, "the first rows of predictions.csv hold no prediction"),
        ({"test_csv": "name,x\n1,2\n"}, "test.csv: no column 'id'"),
        ({"mlgit_yaml": SETTINGS.replace("[test.csv]", "[../test.csv]")}, "../test.csv: no table of the project"),
        ({"mlgit_yaml": SETTINGS.replace("[test.csv]", "[gone.csv]")}, "gone.csv: not in the commit, and not recorded there"),
    ],
)
def test_where_nothing_can_be_asked_it_is_said_why(tmp_path, files, why):
    assert read(tmp_path, **files).untested == why
