"""A log as one Parquet file."""

from __future__ import annotations

import gzip
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mlgit.errors import MlgitError
from mlgit.serving import log_packing
from mlgit.serving.log_writer import PredictionLog
from mlgit.serving.rows import Violation
from tests.kit.late import Module
from tests.serving.written_logs import HEADER, NOON, line

pq = Module("pyarrow.parquet")
MIDDAY = datetime.fromtimestamp(NOON, UTC)


def written(folder, *headers_and_lines, clock=NOON):
    log = PredictionLog(folder, clock=lambda: clock)
    for header, lines in headers_and_lines:
        log.append(header, lines)
    log.close()
    return folder


def packed(folder, **times):
    log_packing.pack([folder], folder.parent / "packed.parquet", **times)
    return pq.read_table(folder.parent / "packed.parquet")


def test_row_of_the_file_is_a_row_that_was_answered(tmp_path):
    two = {"predict": [1, 0], "predict_proba": [[0.25, 0.75], [0.5, 0.5]]}
    folder = written(tmp_path / "log", (HEADER, [line("a"), line("b", inputs=[[1, 2], [3, None]], outputs=two)]))
    table = packed(folder)
    assert table.to_pylist()[2] == {
        "id": "b/1",
        "request_id": "b",
        "row": 1,
        "ts": MIDDAY,
        "version": "v1.2.0",
        "role": "champion",
        "digest": "b" * 64,
        "code": 200,
        "violations": 0,
        "radius": 3.0,
        "texture": None,
        "prediction": 0,
        "probability_0": 0.5,
        "probability_1": 0.5,
    }
    assert table.column("id").to_pylist() == ["a", "b/0", "b/1"]
    assert str(table.schema.field("ts").type) == "timestamp[ms, tz=UTC]"


def test_same_log_gives_the_same_bytes(tmp_path):
    folder = written(tmp_path / "log", (HEADER, [line(f"{number}", value=number / 7) for number in range(3000)]))
    found = [log_packing.pack([folder], tmp_path / name) and (tmp_path / name).read_bytes() for name in ("a", "b")]
    assert found[0] == found[1]
    assert pq.read_table(tmp_path / "a").num_rows == 3000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "log"]


def test_only_the_time_that_is_asked_for_is_packed(tmp_path):
    lines = [line(f"{minute}", seconds=NOON + 60 * minute) for minute in range(10)]
    folder = written(tmp_path / "log", (HEADER, lines))
    times = {"since": MIDDAY + timedelta(minutes=2), "until": MIDDAY + timedelta(minutes=4)}
    assert packed(folder, **times).column("id").to_pylist() == ["2", "3"]


TYPES = {
    "number": ([1, 2.5, None], "double", [1.0, 2.5, None]),
    "integer": ([1, 2.0, 2.5], "int64", [1, 2, None]),
    "boolean": ([True, None, 1], "bool", [True, None, None]),
    "string": (["a", 1, True], "string", ["a", "1", "true"]),
    "date": (["2026-01-02", None, "x"], "string", ["2026-01-02", None, "x"]),
}


@pytest.mark.parametrize(("declared", "case"), TYPES.items(), ids=TYPES)
def test_types_are_the_contracts(tmp_path, declared, case):
    values, kind, held = case
    header = replace(HEADER, types=(declared, "number"))
    folder = written(tmp_path / "log", (header, [line("a", header=header, inputs=[[each, 1]]) for each in values]))
    column = packed(folder).column("radius")
    assert (str(column.type), column.to_pylist()) == (kind, held)


SEEN = [
    ([1, 2], "int64"),
    ([1, 2.5], "double"),
    ([1, None, 2**70], "double"),
    ([True, False], "bool"),
    ([True, 1], "string"),
    (["a", 1], "string"),
    ([None, None], "double"),
    (["\ud800"], "string"),
]


@pytest.mark.parametrize(("values", "kind"), SEEN)
def test_types_are_those_that_were_seen_without_a_contract(tmp_path, values, kind):
    header = replace(HEADER, types=("", ""))
    folder = written(tmp_path / "log", (header, [line("a", header=header, inputs=[[each, 1]]) for each in values]))
    assert str(packed(folder).column("radius").type) == kind


def test_hashed_column_is_text_whatever_the_contract_says(tmp_path):
    header = replace(HEADER, hashed=("radius",))
    folder = written(tmp_path / "log", (header, [line("a", header=header, key=bytes(32))]))
    assert str(packed(folder).column("radius").type) == "string"


def test_value_of_another_type_is_missing_and_counted(tmp_path):
    folder = written(
        tmp_path / "log", (HEADER, [line("a", inputs=[["x", 1]], violations=[Violation(0, "radius", "type", "")])])
    )
    found = log_packing.pack([folder], tmp_path / "x.parquet")
    assert found.unheld == {"radius": 1}
    [row] = pq.read_table(tmp_path / "x.parquet").to_pylist()
    assert (row["radius"], row["violations"]) == (None, 1)


def test_versions_with_other_columns_and_labels_share_the_file(tmp_path):
    other = replace(HEADER, version="v2.0.0", columns=("texture", "age"), types=("integer", "integer"), classes=("a", "b"))
    lines = [line("b", header=other, inputs=[[5, 40]], outputs={"predict": ["a"], "predict_proba": [[0.75, 0.25]]})]
    table = packed(written(tmp_path / "log", (HEADER, [line("a")]), (other, lines)))
    first, second = table.to_pylist()
    assert (first["radius"], first["texture"], first["age"], first["prediction"]) == (1.5, 2.0, None, "1")
    assert (second["radius"], second["texture"], second["age"], second["prediction"]) == (None, 5.0, 40, "a")
    assert (first["probability_1"], first["probability_a"]) == (0.75, None)
    assert (second["probability_1"], second["probability_a"]) == (None, 0.75)


def test_input_that_is_called_as_a_column_of_the_log_keeps_its_name(tmp_path):
    header = replace(HEADER, columns=("id", "prediction"))
    folder = written(tmp_path / "log", (header, [line("a", header=header)]))
    [row] = packed(folder).to_pylist()
    assert (row["id"], row["log_id"], row["prediction"], row["log_prediction"]) == (1.5, "a", 2.0, 1)


def test_model_without_names_has_numbers_for_columns(tmp_path):
    header = replace(HEADER, columns=(), types=(), classes=())
    folder = written(tmp_path / "log", (header, [line("a", header=header), line("b", header=header, inputs=[[7]])]))
    table = packed(folder)
    assert (table.column("0").to_pylist(), table.column("1").to_pylist()) == ([1.5, 7.0], [2, None])


def test_regression_has_no_probabilities(tmp_path):
    folder = written(tmp_path / "log", (HEADER, [line("a", outputs={"predict": [0.5]})]))
    assert packed(folder).schema.names[-3:] == ["radius", "texture", "prediction"]


def test_refused_requests_and_torn_lines_are_counted(tmp_path):
    folder = written(tmp_path / "log", (HEADER, [line("a"), line("b", inputs=None, outputs=None, code=422), b'{"id"\n']))
    found = log_packing.pack([folder], tmp_path / "x.parquet")
    assert (found.rows, found.requests, found.refused, found.torn) == (1, 2, 1, 1)


def test_compressed_files_are_packed(tmp_path):
    (tmp_path / "log").mkdir()
    (tmp_path / "log/x.jsonl.gz").write_bytes(gzip.compress(HEADER.line + line("a")))
    assert packed(tmp_path / "log").num_rows == 1


def test_nothing_to_pack_is_told(tmp_path):
    folder = written(tmp_path / "log", (HEADER, [line("b", inputs=None, outputs=None, code=422)]))
    with pytest.raises(MlgitError, match="nothing to pack: 1 refused ones and no other"):
        log_packing.pack([folder], tmp_path / "x.parquet")
    assert not (tmp_path / "x.parquet").exists()


def test_logs_of_two_models_are_not_mixed(tmp_path):
    other = replace(HEADER, model="churn")
    folder = written(tmp_path / "log", (HEADER, [line("a")]), (other, [line("b", header=other)]))
    with pytest.raises(MlgitError, match="several models: churn, tumor"):
        log_packing.pack([folder], tmp_path / "x.parquet")


def test_file_that_cannot_be_written_is_told_and_nothing_is_left(tmp_path):
    folder = written(tmp_path / "log", (HEADER, [line("a")]))
    (tmp_path / "x").write_text("")
    with pytest.raises(MlgitError, match=r"x\.parquet: cannot be written"):
        log_packing.pack([folder], tmp_path / "x" / "x.parquet")
