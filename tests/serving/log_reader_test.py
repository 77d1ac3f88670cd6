"""Reading the prediction log: by time, by file, and by id."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import random
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.errors import MlgitError
from mlgit.serving import log_header, log_index, log_reader
from mlgit.serving.log_writer import PredictionLog
from mlgit.serving.rows import Violation
from tests.serving.written_logs import HEADER, NOON, line

HOUR = timedelta(hours=1)
MIDDAY = datetime.fromtimestamp(NOON, UTC)


def logged(folder, ids, *, seconds=3600.0, header=HEADER, **more):
    """A log in a folder with a request in each hour from noon on."""
    now = [NOON]
    log = PredictionLog(folder, clock=lambda: now[0])
    for number, request_id in enumerate(ids):
        now[0] = NOON + number * seconds
        log.append(header, [line(request_id, seconds=now[0], header=header, **more)])
    log.close()
    return folder


def ids(found):
    return [each.id for each in found]


def test_requests_are_read_in_the_order_of_hours(tmp_path):
    logged(tmp_path, "abc")
    assert ids(log_reader.requests([tmp_path])) == ["a", "b", "c"]


def test_request_says_all_that_line_and_header_do(tmp_path):
    logged(tmp_path, "a", role="canary")
    [request] = log_reader.requests([tmp_path])
    assert (request.header, request.ts, request.role, request.code) == (HEADER, "2026-11-29T12:00:00.000Z", "canary", 200)
    assert request.document()["columns"] == ["radius", "texture"]
    assert request.document()["inputs"] == [[1.5, 2]]


def test_only_the_time_that_is_asked_for_is_read(tmp_path):
    logged(tmp_path, "abcdef", seconds=1800)
    found = log_reader.requests([tmp_path], since=MIDDAY + HOUR / 2, until=MIDDAY + 2 * HOUR)
    assert ids(found) == ["b", "c", "d"]


def test_hours_far_from_the_time_are_not_opened(tmp_path):
    logged(tmp_path, "abcdef")
    names = [
        path.parent.name[-2:] for path in log_reader.log_files([tmp_path], since=MIDDAY + 3 * HOUR, until=MIDDAY + 4 * HOUR)
    ]
    assert names == ["14", "15", "16"]  # what was written down late, or by a clock that was put right


def test_line_that_was_written_down_an_hour_later_is_found_by_its_time(tmp_path):
    PredictionLog(tmp_path, clock=lambda: NOON + 3600).append(HEADER, [line("a", seconds=NOON + 3599)])
    assert ids(log_reader.requests([tmp_path], until=MIDDAY + HOUR)) == ["a"]


def test_rows_of_a_request_have_ids_of_their_own(tmp_path):
    answers = {"predict": [1, 0], "predict_proba": [[0.1, 0.9], [0.8, 0.2]]}
    logged(tmp_path, ["abc"], inputs=[[1, 2], [3, None]], outputs=answers)
    found = list(log_reader.rows([tmp_path]))
    assert [(row.id, row.row, row.prediction, row.probabilities) for row in found] == [
        ("abc/0", 0, 1, [0.1, 0.9]),
        ("abc/1", 1, 0, [0.8, 0.2]),
    ]
    assert found[1].named == {"radius": 3, "texture": None}


def test_refused_request_has_no_rows(tmp_path):
    logged(tmp_path, "a", inputs=None, outputs=None, code=422, violations=[Violation(0, "radius", "range", "")])
    assert list(log_reader.rows([tmp_path])) == []
    [request] = log_reader.requests([tmp_path])
    assert request.violations[0]["column"] == "radius"


def test_columns_without_names_have_numbers(tmp_path):
    logged(tmp_path, "a", header=replace(HEADER, columns=(), types=()))
    [row] = log_reader.rows([tmp_path])
    assert row.named == {"0": 1.5, "1": 2}


def test_compressed_files_are_read_too(tmp_path):
    logged(tmp_path, "ab")
    path = log_reader.log_files([tmp_path])[0]
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    assert ids(log_reader.requests([tmp_path])) == ["a", "b"]
    assert ids(log_reader.find([tmp_path], "a")) == ["a"]


def test_compressed_file_that_is_cut_off_is_told(tmp_path):
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(gzip.compress(HEADER.line + line("a") * 1000)[:-20])
    with pytest.raises(MlgitError, match=r"x\.jsonl\.gz: cannot be read"):
        list(log_reader.requests([path]))


def test_compressed_file_that_is_damaged_is_told(tmp_path):
    path = tmp_path / "x.jsonl.gz"
    content = bytearray(gzip.compress(HEADER.line + b"".join(line(f"r{number}") for number in range(1000))))
    content[300:320] = bytes(20)
    path.write_bytes(content)
    with pytest.raises(MlgitError, match=r"x\.jsonl\.gz: cannot be read"):
        list(log_reader.requests([path]))


@pytest.mark.parametrize(
    "torn", [b'{"id":"b', b"\0\0\0\n", b"[1]\n", b'{"id":1}\n', b"\xff\n", b"[" * 100_000 + b"\n", b'{"inputs":7}\n', b"7\n"]
)
def test_line_that_is_none_is_passed_over_and_counted(tmp_path, torn):
    path = tmp_path / "x.jsonl"
    path.write_bytes(HEADER.line + line("a") + torn + (b"" if torn.endswith(b"\n") else b"\n") + line("c") + b'{"id":"d"')
    count = Counter()
    assert ids(log_reader.requests([path], torn=count)) == ["a", "c"]
    assert count == {str(path): 2}


def test_file_without_its_first_line_still_tells_version_and_digest(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_bytes(line("a") + line("b"))
    first, _ = log_reader.requests([path])
    assert (first.version, first.digest, first.header.model, first.header.columns) == ("v1.2.0", "b" * 64, "", ())
    assert ids(log_reader.find([path], "a")) == ["a"]


def test_joined_files_keep_their_headers(tmp_path):
    other = replace(HEADER, version="v2.0.0", commit="e" * 40)
    path = tmp_path / "x.jsonl"
    path.write_bytes(HEADER.line + line("a") + other.line + line("b", header=other))
    assert [each.header.commit for each in log_reader.requests([path])] == ["a" * 40, "e" * 40]
    assert log_reader.find([path], "b")[0].header.commit == ""  # which is not that of the first header


def test_log_that_is_not_there_is_told(tmp_path):
    with pytest.raises(MlgitError, match="no such log"):
        log_reader.log_files([tmp_path / "none"])


def test_folder_of_logs_is_all_of_them(tmp_path):
    logged(tmp_path / "tumor", "a")
    logged(tmp_path / "churn", "b")
    (tmp_path / "notes.txt").write_text("")
    assert ids(log_reader.requests([tmp_path])) == ["b", "a"]
    assert ids(log_reader.find([tmp_path], "a")) == ["a"]


def test_logs_of_pods_are_read_in_the_order_of_hours_however_deep_they_are(tmp_path):
    logged(tmp_path / "zone" / "deployment" / "pod-1", "ac", seconds=7200)
    logged(tmp_path / "zone" / "pod-2", "bd")
    logged(tmp_path, "e", seconds=3600)
    assert ids(log_reader.requests([tmp_path])) == ["e", "a", "b", "d", "c"]
    assert ids(log_reader.requests([tmp_path], since=MIDDAY + 2 * HOUR)) == ["c"]
    assert ids(log_reader.find([tmp_path], "d")) == ["d"]


def test_link_that_leads_back_is_followed_once(tmp_path):
    logged(tmp_path / "pod", "a")
    (tmp_path / "pod" / "again").symlink_to(tmp_path)
    (tmp_path / "pod" / "none").symlink_to(tmp_path / "nowhere")
    assert ids(log_reader.requests([tmp_path])) == ["a"]


def test_what_a_volume_keeps_for_its_administrator_is_no_log(tmp_path):
    logged(tmp_path / "pod", "a")
    logged(tmp_path / "lost+found", "b")
    assert ids(log_reader.requests([tmp_path])) == ["a"]


def test_folder_of_too_many_folders_is_no_log(tmp_path, monkeypatch):
    monkeypatch.setattr(log_reader, "_MOST_FOLDERS", 20)
    for number in range(20):
        (tmp_path / f"{number}").mkdir()
    with pytest.raises(MlgitError, match="hardly a prediction log"):
        log_reader.log_files([tmp_path])


def test_hours_are_looked_for_so_deep_and_no_deeper(tmp_path):
    logged(tmp_path.joinpath(*"1234567"), "a")
    logged(tmp_path.joinpath(*"x2345678"), "b")
    assert ids(log_reader.requests([tmp_path])) == ["a"]


def test_folder_of_one_hour_is_read(tmp_path):
    logged(tmp_path, "ab")
    assert ids(log_reader.requests([tmp_path / "2026-11-29T13"])) == ["b"]


def test_folder_named_like_an_hour_that_is_none_is_passed_over(tmp_path):
    logged(tmp_path, "a")
    (tmp_path / "2026-99-99T99").mkdir()
    assert ids(log_reader.requests([tmp_path], since=MIDDAY)) == ["a"]


# -- by id

STRANGE = ("a", "a/1", 'quo"te', "back\\slash", "[0]*", "\x7fx", "aa", "{", "a,b")


@pytest.mark.parametrize("with_index", [False, True])
@pytest.mark.parametrize("wanted", STRANGE)
def test_request_is_found_by_its_id_and_no_other_is(tmp_path, wanted, with_index):
    logged(tmp_path, STRANGE, seconds=60)
    if with_index:
        assert log_index.index_closed(tmp_path, now=NOON + 9000) == 1
    assert ids(log_reader.find([tmp_path], wanted)) == [wanted]
    assert log_reader.find([tmp_path], wanted + "x") == []


def test_id_within_the_values_of_another_request_is_not_taken_for_one(tmp_path):
    logged(tmp_path, ["a"], inputs=[['\n{"id":"b"', 1]])
    assert log_reader.find([tmp_path], "b") == []


def test_answer_of_a_shadow_is_found_beside_that_of_the_champion(tmp_path):
    shadow = replace(HEADER, version="v2.0.0")
    log = PredictionLog(tmp_path, clock=lambda: NOON)
    log.append(HEADER, [line("a")])
    log.append(shadow, [line("a", header=shadow, role="shadow")])
    assert sorted(each.role for each in log_reader.find([tmp_path], "a")) == ["champion", "shadow"]


def test_row_of_a_request_finds_the_request(tmp_path):
    logged(tmp_path, ["abc", "b/7"])
    assert ids(log_reader.find([tmp_path], "abc/12")) == ["abc"]
    assert ids(log_reader.find([tmp_path], "b/7")) == ["b/7"]
    assert log_reader.find([tmp_path], "abc/x") == []


def test_id_that_tells_its_time_is_found_in_whatever_hour_it_was_logged(tmp_path):
    made = log_header.uuid7(int(NOON * 1000), entropy=os.urandom(10))
    logged(tmp_path, ["x", "y", "z", "v", "w", made])
    assert log_reader.made_at(made) == MIDDAY
    assert ids(log_reader.find([tmp_path], made)) == [made]


@pytest.mark.parametrize(
    "text", ["x", "0" * 36, "ffffffff-ffff-7fff-bfff-ffffffffffff", "01a227e5-0949-451e-8dea-d94c97f1d1d0"]
)
def test_id_that_tells_no_time_is_no_fault(text):
    assert log_reader.made_at(text) is None


@given(st.lists(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=6), min_size=1, max_size=40))
def test_index_and_search_find_the_same(tmp_path_factory, names):
    folder = logged(tmp_path_factory.mktemp("log"), names, seconds=1)
    searched = [len(log_reader.find([folder], each)) for each in names]
    assert searched == [names.count(each) for each in names]
    log_index.index_closed(folder, now=NOON + 9000)
    assert [len(log_reader.find([folder], each)) for each in names] == searched


@pytest.mark.slow
def test_index_of_more_than_one_piece_finds_all(tmp_path):
    path = tmp_path / "2026-11-29T12" / "1-v.jsonl"
    path.parent.mkdir()
    names = [f"{random.Random(number).random()}" for number in range(70_000)]
    path.write_bytes(HEADER.line + b"".join(b'{"id":"%s"}\n' % name.encode() for name in names))
    log_index.write(path)
    content = path.read_bytes()
    for name in (names[0], names[65_535], names[65_536], names[-1]):
        [place], covered = log_index.find(path, name.encode())
        assert content[place:].startswith(b'{"id":"%s"' % name.encode())
        assert covered == len(content)


@pytest.mark.parametrize("before", range(-3, 14))
def test_line_is_found_wherever_a_part_that_is_read_ends(tmp_path, before):
    path = tmp_path / "x.jsonl"
    room = (4 << 20) - before - len(HEADER.line + line("a", inputs=[["", 1]]))
    path.write_bytes(HEADER.line + line("a", inputs=[["x" * room, 1]]) + line("b") + line("c"))
    assert [ids(log_reader.find([path], each)) for each in "abc"] == [["a"], ["b"], ["c"]]


def test_line_in_a_file_that_nobody_can_read_through_is_found_by_the_index(tmp_path):
    """Some hundred gigabytes, nearly all of them a hole; where the line would be searched for, the test would not end."""
    logged(tmp_path, "ab", seconds=1)
    [path] = log_reader.log_files([tmp_path])
    log_index.write(path)
    content, size = path.read_bytes(), 300 << 30
    end = content.index(line("b", seconds=NOON + 1))
    with path.open("r+b") as stream:
        stream.truncate(end)
        stream.seek(size)
        stream.write(b"\n" + content[end:])
    index = path.with_name(f"{path.name}.idx")
    moved = index.read_bytes().replace(end.to_bytes(8), (size + 1).to_bytes(8))
    index.write_bytes(moved.replace(len(content).to_bytes(8, "little"), path.stat().st_size.to_bytes(8, "little")))
    assert ids(log_reader.find([tmp_path], "b")) == ["b"]


def test_lines_after_what_the_index_covers_are_found(tmp_path):
    logged(tmp_path, "ab", seconds=1)
    log_index.index_closed(tmp_path, now=NOON + 9000)
    [path] = log_reader.log_files([tmp_path])
    with path.open("ab") as stream:
        stream.write(line("c"))
    assert ids(log_reader.find([tmp_path], "c")) == ["c"]
    assert ids(log_reader.find([tmp_path], "b")) == ["b"]


@pytest.mark.parametrize("damage", [b"", b"mlgitix1", b"x" * 100, b"mlgitix1" + b"\xff" * 200])
def test_damaged_index_is_no_obstacle(tmp_path, damage):
    logged(tmp_path, "ab", seconds=1)
    [path] = log_reader.log_files([tmp_path])
    path.with_name(f"{path.name}.idx").write_bytes(damage)
    assert ids(log_reader.find([tmp_path], "b")) == ["b"]


def test_index_of_another_file_is_no_obstacle(tmp_path):
    logged(tmp_path / "one", "ab", seconds=1)
    logged(tmp_path / "other", "xyb", seconds=1, header=replace(HEADER, commit="e" * 40))
    log_index.index_closed(tmp_path / "one", now=NOON + 9000)
    one, other = (log_reader.log_files([tmp_path / name])[0] for name in ("one", "other"))
    one.with_name(f"{one.name}.idx").rename(other.with_name(f"{other.name}.idx"))
    assert ids(log_reader.find([other], "b")) == ["b"]


@pytest.mark.parametrize("place", [0, 1, 10**12, 2**64 - 1])
def test_index_whose_places_are_wrong_leads_to_no_wrong_line(tmp_path, place):
    logged(tmp_path, "ab", seconds=1)
    log_index.index_closed(tmp_path, now=NOON + 9000)
    [path] = tmp_path.rglob("*.idx")
    content = path.read_bytes()
    path.write_bytes(content[:-8] + place.to_bytes(8))
    assert {*ids(log_reader.find([tmp_path], "a")), *ids(log_reader.find([tmp_path], "b"))} <= {"a", "b"}


def test_index_is_made_for_hours_that_are_over_and_only_once(tmp_path):
    logged(tmp_path, "abc")
    assert log_index.index_closed(tmp_path, now=NOON + 3700) == 0
    assert log_index.index_closed(tmp_path, now=NOON + 2 * 3600 + 601) == 2
    assert log_index.index_closed(tmp_path, now=NOON + 2 * 3600 + 601) == 0
    assert len([*tmp_path.rglob("*.idx")]) == 2
    assert [*tmp_path.rglob(".*")] == []


def test_index_is_made_beside_the_work(tmp_path):
    logged(tmp_path, "a", seconds=1)
    half = tmp_path / "2026-11-29T12" / ".1-v1.2.0.jsonl.0123.tmp"
    half.touch()
    os.utime(half, (1_000_000_000, 1_000_000_000))
    moved = tmp_path / "2025-11-29T12"  # which is over, whatever the clock says
    (tmp_path / "2026-11-29T12").rename(moved)
    log_index.keep_indexed(tmp_path)
    deadline = time.monotonic() + 20
    while not [*moved.glob("*.idx")] and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [path.suffix for path in sorted(moved.iterdir())] == [".jsonl", ".idx"]


def test_index_covers_no_half_a_line(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_bytes(HEADER.line + line("a") + line("b")[:-1])
    log_index.write(path)
    with path.open("ab") as stream:
        stream.write(b"\n" + line("c"))
    assert [ids(log_reader.find([path], each)) for each in "abc"] == [["a"], ["b"], ["c"]]


def test_orjson_is_not_needed_to_read(tmp_path, monkeypatch):
    import sys

    logged(tmp_path, "a")
    monkeypatch.setitem(sys.modules, "orjson", None)
    assert log_reader.decoder() is json.loads
    assert ids(log_reader.requests([tmp_path])) == ["a"]


def test_numbers_and_text_that_orjson_refuses_are_read(tmp_path):
    logged(tmp_path, "a", inputs=[["\ud800", 2**70]])
    [row] = log_reader.rows([tmp_path])
    assert list(row.values) == ["\ud800", 2**70]
    assert list(itertools.islice(log_reader.rows([tmp_path]), 1)) == [row]
