"""What earlier commands kept of the tags changes no answer, whatever happened to tags, objects and the file itself."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from mlgit.registry import event_cache, read, state
from tests.kit import git
from tests.kit.forked import mlgit
from tests.registry.histories import START

pytestmark = pytest.mark.slow  # real repositories, many times

KEPT = ".git/mlgit/tags"


def _stream(n_tags: int) -> str:
    rows = [f"commit refs/heads/main\nmark :{mark}\ncommitter A <a@b> {START} +0000\ndata 1\nx\n" for mark in (1, 2)]
    for number in range(n_tags):
        text = f"Event {number}\n"
        ref = f"m{number % 7}@v0.{number}.0" if number % 2 else f"m{number % 7}#prod#{number}"
        rows.append(f"tag {ref}\nfrom :{number % 2 + 1}\ntagger A <a@b> {START + number} +0000\ndata {len(text)}\n{text}\n")
    return "".join(rows)


def _repository(root: Path, n_tags: int) -> Path:
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "fast-import", "--quiet", "--force", stdin=_stream(n_tags))
    return root


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A repository with a few more tags than it takes to be worth keeping."""
    return _repository(tmp_path, event_cache.FEWEST + 20)


def _list(root: Path) -> dict[str, object]:
    """What `mlgit model list` says, compared with what the tags themselves say."""
    said = json.loads(mlgit(root, "model", "list", "--json").out)
    tags = read.tags(root)
    anew = state.fold(tags.events, faults=tags.faults)
    rows = {row["name"]: row for row in said["models"]}
    assert rows.keys() == anew.artifacts.keys()
    for name, artifact in anew.artifacts.items():
        assert rows[name]["versions"] == [each.name for each in artifact.versions if each.is_registered]
        places = {place: found["tag"] for place, found in rows[name]["environments"].items()}
        assert places == {place: stack[-1].event.ref for place, stack in artifact.environments.items()}
    return rows


def test_a_second_look_reads_no_object_and_says_the_same(many: Path):
    first = _list(many)
    assert (many / KEPT).is_file()
    assert event_cache.load(many).keys() == read.tags(many).oids.keys()
    assert _list(many) == first


def test_a_tag_that_moved_or_went_is_not_remembered(many: Path):
    first = _list(many)
    git(many, "tag", "-d", "m1@v0.1.0")
    git(many, "tag", "-f", "-a", "-m", "x", "m3@v0.3.0", "main")
    git(many, "tag", "-a", "-m", "x", "m1@v9.0.0", "main")
    assert _list(many) != first


@pytest.mark.parametrize("content", [b"", b"garbage", b"\xa9\x00", b"(\x02\x00\x00\x00i\x01\x00\x00\x00[\x01\x00\x00\x00N"])
def test_a_damaged_file_costs_time_only(many: Path, content: bytes):
    first = _list(many)
    (many / KEPT).write_bytes(content)
    assert _list(many) == first
    assert event_cache.load(many)


def test_few_tags_are_not_kept(tmp_path: Path):
    _list(_repository(tmp_path, 5))
    assert not (tmp_path / KEPT).exists()


def test_verify_looks_at_the_objects_themselves(many: Path):
    _list(many)
    oid = git(many, "rev-parse", "refs/tags/m1@v0.1.0")
    for pack in (many / ".git/objects/pack").glob("*.pack"):
        moved = pack.rename(many / pack.name)
        subprocess.run(["git", "unpack-objects", "-q"], cwd=many, input=moved.read_bytes(), check=True)
    (many / f".git/objects/{oid[:2]}/{oid[2:]}").unlink(missing_ok=True)
    done = mlgit(many, "model", "verify", "m1")
    assert done.code == 1, done.said
    assert "m1@v0.1.0" in done.out
    assert "missing" in done.out
