"""A tab in a pipeline file is accepted where DVC accepts it, by every command, and nowhere else."""

from __future__ import annotations

import pytest

from tests.kit import repository, write_tree
from tests.pipeline.differential import run_dvc

HEAD = "stages:\n  a:\n    cmd: {}\n    outs:{}\n"
TEXTS = {
    "after a value": (HEAD.format("touch o\t", " [o]"), False),
    "after a key": (HEAD.format("touch o", "\t\n    - o"), False),
    "after a colon": (HEAD.format("touch o", "\t[o]"), False),
    "after an item": (HEAD.format("touch o", "\n    - o\t"), False),
    "after a quoted value": (HEAD.format("'touch o'\t", " [o]"), False),
    "after a flow list": (HEAD.format("touch o", " [o]\t"), False),
    "before a comment": (HEAD.format("touch o\t# it", " [o]"), False),
    "in a plain value": (HEAD.format("touch\to", " [o]"), False),
    "in a folded value": (HEAD.format("touch\n     \to", " [o]"), False),
    "in an empty line": (HEAD.format("touch o\n\t", " [o]"), False),
    "in a flow list": (HEAD.format("touch o p", " [o\t,\tp]"), True),
    "in quotes": (HEAD.format('"touch\to"', " [o]"), True),
    "in a block": (HEAD.format("|\n      touch o\n      \ttrue", " [o]"), True),
    "in a comment": ("# a\ttab\n" + HEAD.format("touch o", " [o]"), True),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_tab_is_read_where_dvc_reads_it(tmp_path, cli, kind):
    text, is_read = TEXTS[kind]
    root = write_tree(repository(tmp_path), {"dvc.yaml": text})
    assert (run_dvc(root, "stage", "list", "--fail").code == 0) == is_read
    assert (cli(root, "doctor").code == 0) == is_read
    for command in ("dag", "status", "run", "dag"):
        code = cli(root, command).code
        assert (code != 2) == is_read, cli(root, command).said
    assert (root / "o").exists() == is_read


@pytest.mark.parametrize(
    "files",
    [
        {"params.yaml": "a: 1\t\n"},
        {"dvc.lock": "schema: '2.0'\t\nstages: {}\n"},
        {"d.dvc": "outs:\n- path: d\t\n  md5: d41d8cd98f00b204e9800998ecf8427e\n  size: 0\n  hash: md5\n"},
    ],
)
def test_tab_in_other_files_of_a_pipeline_is_refused_as_by_dvc(tmp_path, cli, files):
    row = {"dvc.yaml": "stages:\n  a:\n    cmd: touch o\n    params: [a]\n    outs: [o]\n", "params.yaml": "a: 1\n"}
    root = write_tree(repository(tmp_path), {**row, **files})
    assert run_dvc(root, "repro").code != 0
    done = cli(root, "run")
    assert (done.code, "a tab, which DVC cannot read there" in done.said) == (2, True)
    assert not (root / "o").exists()
