"""Tables of data read from real repositories: the workspace, a commit, the cache; and what cannot be read."""

from __future__ import annotations

import os
import shutil

import pytest

from mlgit import project as projects
from mlgit.adapters.git import git as git_adapter
from mlgit.revision import data_tables
from mlgit.revision.refs import RevisionRef
from mlgit.revision.revisions import Revisions
from mlgit.tables import limits
from mlgit.tables.drift import measure
from tests.kit import FULL, commit, repository, write_tree
from tests.kit.sides import NASTY

pytestmark = pytest.mark.slow  # real processes, many of them

OLD = "id,x,place\n" + "".join(f"{row},{row % 10},{'EU' if row % 2 else 'US'}\n" for row in range(200))
NEW = "id,x,place\n" + "".join(f"{row},{row % 10 + 5},EU\n" for row in range(300))
PIPELINE = """\
stages:
  make:
    cmd: cp source.csv made.csv; mkdir -p parts; cp source.csv parts/one.csv; cp source.csv held.csv
    deps: [source.csv]
    outs: [made.csv, parts, {held.csv: {cache: false}}]
"""
EVERYWHERE = ["source.csv", "made.csv", "held.csv", "parts/one.csv", "raw.csv"]


def sides(root, paths, base="HEAD"):
    project = projects.find(root)
    before = RevisionRef(base, git_adapter.resolve(project.git_root, base))
    revisions = Revisions(project)
    return data_tables.read(revisions.at(before), paths), data_tables.read(revisions.workspace, paths)


@pytest.fixture
def root(tmp_path, cli):
    """A project whose data was changed after the commit: in Git, in the cache, in a folder of it, and by a .dvc file."""
    root = repository(tmp_path / "project", {"dvc.yaml": PIPELINE, "source.csv": OLD})
    write_tree(root, {"raw.csv": OLD})
    assert cli(root, "add", "raw.csv").code == 0
    assert cli(root, "run").code == 0
    commit(root)
    write_tree(root, {"source.csv": NEW})
    os.remove(root / "raw.csv")
    write_tree(root, {"raw.csv": NEW})
    assert cli(root, "run").code == 0
    return root


def test_both_sides_are_read_wherever_they_lie(root):
    before, now = sides(root, EVERYWHERE)
    for path in EVERYWHERE:
        found = measure(path, before[path], now[path])
        assert (found.rows_before, found.rows_now, found.added, found.retyped) == (200, 300, (), ())
        assert {name for name, index in found.moved if index > 0.2} == {"place", "id", "x"}


def test_side_without_the_file_has_no_table(root):
    before, now = sides(root, ["source.csv", "other.csv"])
    assert (list(before), list(now)) == (["source.csv"], ["source.csv"])


def test_what_is_recorded_and_not_in_the_cache_tells_so(root):
    shutil.rmtree(root / ".dvc" / "cache")
    before, now = sides(root, EVERYWHERE)
    assert before["made.csv"].reason == "made.csv: not in the cache"
    assert "dvc fetch" in before["made.csv"].hint
    assert "not in the cache" in before["parts/one.csv"].reason
    assert (before["source.csv"].rows, now["made.csv"].rows) == (200, 300)
    assert measure("made.csv", before["made.csv"], now["made.csv"]).reason.startswith(
        "before: made.csv: not in the cache; --pull"
    )


def test_damaged_object_of_the_cache_is_not_taken_for_the_data(root):
    for path in (root / ".dvc" / "cache" / "files").rglob("*"):
        if path.is_file() and path.read_bytes() == OLD.encode():
            path.chmod(0o600)
            path.write_text("id\n1\n")
    before, _ = sides(root, ["made.csv"])
    assert (before["made.csv"].rows, before["made.csv"].reason) == (None, "made.csv: damaged in the cache")


def test_folder_and_what_is_no_table_tell_so(root):
    write_tree(root, {"image.csv": b"\x89PNG\0\0", "broken.csv": 'a\n"\n', "a.bin": "x", "folder.csv/x": "1"})
    _, now = sides(root, ["parts", "image.csv", "broken.csv", "a.bin", "folder.csv", "../outside.csv"])
    assert {path: table.rows for path, table in now.items()} == dict.fromkeys(now)
    assert "not a text file" in now["image.csv"].reason
    assert "EOF inside string" in now["broken.csv"].reason
    assert now["folder.csv"].reason == "a folder, and no table"
    assert all("no table: it is not in the project" in now[path].reason for path in ("parts", "a.bin", "../outside.csv"))


def test_large_table_has_rows_and_columns_only(root, monkeypatch):
    monkeypatch.setattr(limits, "VALUES_BYTES", 100)
    before, now = sides(root, ["made.csv"])
    found = measure("made.csv", before["made.csv"], now["made.csv"])
    assert (found.rows_before, found.rows_now, found.moved) == (200, 300, ())
    assert found.reason == "larger than 0 MiB, so its values are not compared"
    monkeypatch.setattr(limits, "OUTLINE_BYTES", 100)
    assert sides(root, ["made.csv"])[1]["made.csv"].reason == "larger than 0 MiB, so it is not read"


def test_numbers_that_become_texts_in_a_later_piece_are_texts_from_the_first_row_on(tmp_path):
    numbers = "a\n" + "".join(f"{row % 3}\n" for row in range(3000))
    root = repository(tmp_path / "project", {"t.csv": numbers + "x\n", "u.csv": numbers})
    before, _ = sides(root, ["t.csv", "u.csv"])
    assert (before["u.csv"].columns["a"].kind, before["t.csv"].columns["a"].kind) == ("number", "text")
    assert before["t.csv"].columns["a"].counts == {"0": 1000, "1": 1000, "2": 1000, "x": 1}
    assert measure("t.csv", before["u.csv"], before["t.csv"]).retyped == ("a",)


def test_thousands_of_columns_with_hostile_names(tmp_path):
    count = 10_000 if FULL else 2_000
    header = ",".join(f'"{number}|{NASTY}"' for number in range(count))
    row = ",".join("1" for _ in range(count)) + "\n"
    root = repository(tmp_path / "project", {"t.csv": f"{header}\n" + row * 30})
    write_tree(root, {"t.csv": f"{header}\n" + row * 29 + row.replace("1", "2")})
    before, now = sides(root, ["t.csv"])
    found = measure("t.csv", before["t.csv"], now["t.csv"])
    assert (len(found.moved), found.added, found.retyped) == (count, (), ())
    assert found.moved[0][0].endswith(NASTY)
