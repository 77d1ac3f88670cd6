"""What is written down of an answer."""

from __future__ import annotations

import datetime
import json
import math
import re
from dataclasses import replace

import pytest

from mlgit.serving import log_header, log_lines
from mlgit.serving.rows import Violation
from tests.kit.late import Module
from tests.serving.written_logs import DIGEST, HEADER, NOON, line

np = Module("numpy")
KEY = bytes(range(32))


def read(written: bytes) -> dict:
    assert written.endswith(b"\n")
    assert written.count(b"\n") == 1
    return json.loads(written)


def test_line_has_what_an_audit_starts_from():
    written = read(line("abc", seconds=NOON + 0.1236, ms=1.23456))
    assert written == {
        "id": "abc",
        "ts": "2026-11-29T12:00:00.123Z",
        "role": "champion",
        "version": "v1.2.0",
        "digest": DIGEST,
        "inputs": [[1.5, 2]],
        "outputs": {"predict": [1], "predict_proba": [[0.25, 0.75]]},
        "ms": 1.234,
        "code": 200,
    }


def test_header_says_what_the_values_of_a_row_are():
    said = json.loads(HEADER.line)
    assert (said["schema"], said["kind"], said["columns"], said["classes"]) == (1, "header", ["radius", "texture"], [0, 1])
    assert json.loads(replace(HEADER, contract="").line)["contract"] is None


def test_arrays_are_written_as_lists():
    rows = np.array([[1.5, math.nan], [3, 4]])
    outputs = {"predict": np.array([1, 0]), "predict_proba": np.array([[0.1, 0.9], [1, 0]], order="F")}
    written = read(line("a", inputs=rows, outputs=outputs))
    assert written["inputs"] == [[1.5, None], [3.0, 4.0]]
    assert written["outputs"] == {"predict": [1, 0], "predict_proba": [[0.1, 0.9], [1.0, 0.0]]}


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (math.inf, None),
        (2**70, 2**70),
        ("\ud800", "\ud800"),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        ("a\nb\u2028", "a\nb\u2028"),
        (1 + 2j, "(1+2j)"),
    ],
)
def test_value_that_json_has_no_word_for_is_written_all_the_same(value, written):
    assert read(line("a", inputs=[[value, 1]]))["inputs"] == [[written, 1]]


def test_half_a_character_does_not_hide_what_is_no_number():
    said = read(line("a", inputs=[["\ud800", math.nan]], outputs={"predict": np.array([math.inf])}))
    assert (said["inputs"], said["outputs"]) == ([["\ud800", None]], {"predict": [None]})


def test_refused_request_tells_rules_and_no_values():
    broken = [Violation(0, "radius", "range", "at least 0")]
    written = read(line("a", inputs=None, outputs=None, code=422, violations=broken))
    assert (written["inputs"], written["outputs"], written["code"]) == (None, None, 422)
    assert written["violations"] == [{"row": 0, "column": "radius", "rule": "range"}]


def test_violations_of_one_line_are_bounded():
    broken = [Violation(row, "radius", "range", "") for row in range(log_lines.MOST_VIOLATIONS + 5)]
    written = read(line("a", violations=broken))
    assert (len(written["violations"]), written["violations_left_off"]) == (log_lines.MOST_VIOLATIONS, 5)


def test_private_column_is_hashed_and_the_others_are_not():
    header = replace(HEADER, hashed=("texture",))
    written = read(line("a", header=header, inputs=np.array([[1.5, 2], [3, math.nan]]), key=KEY))
    assert [row[0] for row in written["inputs"]] == [1.5, 3]
    assert re.fullmatch(r"[0-9a-f]{16}", written["inputs"][0][1])
    assert written["inputs"][1][1] is None


def test_equal_values_have_equal_hashes_whatever_protocol_brought_them():
    rows = [[1], [1.0], [np.float64(1)], [np.int64(1)], ["1"]]
    assert len({row[0] for row in log_lines.hashed(rows, places=[0], key=KEY)}) == 1
    others = log_lines.hashed([[2], [1.5], ["Ada"], [True]], places=[0], key=KEY)
    assert len({row[0] for row in others}) == 4


def test_hash_cannot_be_made_without_the_key():
    rows = [["Ada"]]
    assert log_lines.hashed(rows, places=[0], key=KEY) != log_lines.hashed(rows, places=[0], key=KEY[::-1])
    with pytest.raises(ValueError, match="no key"):
        line("a", header=replace(HEADER, hashed=("radius",)))


def test_moment_is_told_to_the_millisecond_and_never_rounded_up():
    assert log_header.stamp(NOON + 59.9999) == "2026-11-29T12:00:59.999Z"
    assert log_header.stamp(0) == "1970-01-01T00:00:00.000Z"


def test_id_tells_its_time_and_is_a_uuid():
    import uuid

    made = log_header.uuid7(int(NOON * 1000), entropy=bytes([255] * 10))
    assert uuid.UUID(made).version == 7
    assert uuid.UUID(made).variant == uuid.RFC_4122
    assert uuid.UUID(made).int >> 80 == int(NOON * 1000)
    assert made < log_header.uuid7(int(NOON * 1000) + 1, entropy=bytes(10))
