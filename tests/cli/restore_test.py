"""Results that come from the cache, and paths that others use: nothing wrong is served, nothing is lost."""

from __future__ import annotations

import json
import os

import pytest

from tests.kit import lock, write_tree
from tests.pipeline.differential import tree

pytestmark = pytest.mark.slow  # real repositories, many times


def test_broken_result_in_the_run_cache_costs_a_run_and_is_replaced(done):
    runs = [path for path in (done.root / ".dvc/cache/runs").rglob("*") if path.is_file()]
    for path, content in zip(runs, (b"", b"garbage", b"cmd: [", b"\xff"), strict=True):
        path.write_bytes(content)
    for path in ("clean.txt", "model.txt", "score.txt", "report.txt", "dvc.lock"):
        (done.root / path).unlink()
    assert set(done.states().values()) == {"ran"}
    (done.root / "dvc.lock").unlink()
    assert set(done.states().values()) == {"restored"}


def test_object_that_is_not_what_its_name_says_is_not_served(done):
    md5 = lock(done.root)["stages"]["train"]["outs"][0]["md5"]
    cached = done.root / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
    cached.chmod(0o644)
    cached.write_text("rotten\n")
    (done.root / "model.txt").unlink()
    assert done.states()["train"] == "ran"
    assert (done.root / "model.txt").read_text() == "raw\ndepth: 3\n"


@pytest.mark.parametrize("md5", ["../../../../../victim", "..", "/etc/x"])
def test_lock_that_points_out_of_the_cache_deletes_nothing(done, tmp_path, md5):
    victim = tmp_path / "victim"
    victim.write_text("precious\n")
    text = (done.root / "dvc.lock").read_text()
    good = lock(done.root)["stages"]["train"]["outs"][0]["md5"]
    done.write("dvc.lock", text.replace(good, md5))
    assert done("status").code == 2
    assert victim.read_text() == "precious\n"


def test_listing_that_leads_out_of_its_folder_writes_nothing(pipeline, tmp_path):
    pipeline.write("dvc.yaml", "stages: {a: {cmd: mkdir d; cat raw.txt > d/x, deps: [raw.txt], outs: [d]}}")
    pipeline("run")
    md5 = lock(pipeline.root)["stages"]["a"]["outs"][0]["md5"]
    listing = pipeline.root / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
    listing.chmod(0o644)
    listing.write_text(listing.read_text().replace('"x"', '"../../escaped"'))
    listing.chmod(0o444)
    write_tree(pipeline.root, {"d/x": "edited\n"})
    pipeline("run")
    assert not (tmp_path / "escaped").exists()


@pytest.mark.parametrize("types", ["symlink", "hardlink", "copy"])
def test_metric_in_git_comes_back_as_a_plain_file(pipeline, types):
    pipeline.write(".dvc/config", f"[cache]\n    type = {types}\n")
    pipeline.write("dvc.yaml", "stages: {a: {cmd: cat raw.txt > m, deps: [raw.txt], metrics: [{m: {cache: false}}]}}")
    pipeline("run")
    metric = pipeline.root / "m"
    metric.unlink()
    assert pipeline.states() == {"a": "restored"}
    assert not metric.is_symlink()
    assert (metric.stat().st_nlink, metric.stat().st_mode & 0o200) == (1, 0o200)


@pytest.mark.parametrize(("types", "links"), [("symlink", True), ("hardlink", 2), ("copy", 1)])
def test_output_is_linked_as_configured(pipeline, types, links):
    pipeline.write(".dvc/config", f"[cache]\n    type = {types}\n")
    pipeline("run", "report")
    report = pipeline.root / "report.txt"
    assert (report.is_symlink() if types == "symlink" else report.stat().st_nlink) == links


def test_path_in_use_by_another_process_is_refused_and_kept(done):

    held = {str(done.root / "raw.txt"): {"pid": os.getppid(), "cmd": "dvc add raw.txt"}}
    done.write("raw.txt", "other\n")
    done.write(".dvc/tmp/rwlock", json.dumps({"write": held, "read": {}}))
    before = tree(done.root)
    said = done("run")
    assert (said.code, "in use by `dvc add raw.txt`" in said.out) == (1, True)
    assert tree(done.root) == before


def test_table_of_busy_paths_forgets_processes_that_are_gone(done):
    held = {str(done.root / "raw.txt"): {"pid": 2**22 + 1, "cmd": "dvc add raw.txt"}}
    done.write("raw.txt", "other\n")
    done.write(".dvc/tmp/rwlock", json.dumps({"write": held, "read": {}}))
    assert done("run").code == 0


def test_nothing_stands_in_the_table_of_busy_paths_after_a_run(done):
    assert json.loads((done.root / ".dvc/tmp/rwlock").read_text()) == {"write": {}, "read": {}}


@pytest.mark.parametrize("text", ["[]", "{", '{"write": 5}', '{"write": {"/x": {}}}', '{"read": {"/x": [5]}}'])
def test_broken_table_of_busy_paths_is_named(done, text):
    done.write("raw.txt", "other\n")
    done.write(".dvc/tmp/rwlock", text)
    said = done("run")
    assert (said.code, "rwlock" in said.out) == (1, True)
