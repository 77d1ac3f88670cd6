"""Lists of folders that no folder can have, recorded with their right md5: every command treats them as damaged."""

from __future__ import annotations

import hashlib
import json

import pytest

from tests.kit import commit, repository, write_tree

EMPTY = "d41d8cd98f00b204e9800998ecf8427e"
HOSTILE = {
    "a NUL": [("a\0b", EMPTY)],
    "a file that is a folder too": [("f", EMPTY), ("f/g", EMPTY)],
    "a way up": [("../../stolen", EMPTY)],
    "an absolute path": [("/tmp/stolen", EMPTY)],
    "half a pair of surrogates": [("\ud800", EMPTY)],
    "a name too long": [("n" * 300, EMPTY)],
    "an md5 that is none": [("a", "../x")],
}
COMMANDS = ("status", "diff", "gate", "doctor", "run")
PIPELINE = "stages:\n  a:\n    cmd: mkdir -p out && echo > out/x\n    deps: [in]\n    outs: [out]\n"
LOCK = """\
schema: '2.0'
stages:
  a:
    cmd: mkdir -p out && echo > out/x
    deps:
    - path: in
      hash: md5
      md5: b026324c6904b2a9cb4b88d6d61c81d1
      size: 2
    outs:
    - path: out
      hash: md5
      md5: {}
      size: 1
      nfiles: 1
"""
DATA = "outs:\n- md5: {}\n  size: 1\n  nfiles: 1\n  hash: md5\n  path: data\n"


def store(root, rows):
    """Place the list of a folder, and its file, in the cache; its md5."""
    content = json.dumps([{"md5": md5, "relpath": path} for path, md5 in rows]).encode()
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    cache = ".dvc/cache/files/md5"
    write_tree(root, {f"{cache}/{md5[:2]}/{md5[2:]}.dir": content, f"{cache}/{EMPTY[:2]}/{EMPTY[2:]}": b""})
    return f"{md5}.dir"


def project(root, rows, *, as_data=False):
    repository(root)
    md5 = store(root, rows)
    tracked = {"data.dvc": DATA.format(md5)} if as_data else {"dvc.yaml": PIPELINE, "dvc.lock": LOCK.format(md5)}
    write_tree(root, {**tracked, ".gitignore": "/data\n/out\n", "in": "1\n", "mlgit.yaml": "mlgit: 1\n"})
    commit(root)
    return root


@pytest.mark.slow
@pytest.mark.parametrize("rows", HOSTILE.values(), ids=HOSTILE)
def test_stage_with_such_an_output_runs_anew(tmp_path, cli, rows):
    root = project(tmp_path / "p", rows)
    for command in COMMANDS:
        done = cli(root, command)
        assert done.code in (0, 1, 2), done.said
        assert "defect" not in done.err
    assert (root / "out/x").exists()
    assert not list(tmp_path.rglob("stolen"))
    assert cli(root, "status").code == 0


@pytest.mark.slow
@pytest.mark.parametrize("rows", HOSTILE.values(), ids=HOSTILE)
def test_such_data_is_neither_here_nor_in_the_cache(tmp_path, cli, rows):
    root = project(tmp_path / "p", rows, as_data=True)
    for command in COMMANDS:
        done = cli(root, command)
        assert done.code in (0, 1, 2), done.said
    assert "neither here nor in the cache" in done.said
    assert not (root / "data").exists()
