"""`mlgit run --set`: parameters of any format are set before the run, all of them or none."""

from __future__ import annotations

import pytest

from tests.kit import lock, repository

FILES = {
    "dvc.yaml": "stages:\n  s:\n    cmd: cat params.yaml p.toml p.py > o\n"
    "    params: [a, l, {p.toml: [t.b]}, {p.py: [A.c]}]\n    outs: [o]\n",
    "params.yaml": "a: &x 1 # c\nb: *x\nl:\n- 1 # one\n- 2\n",
    "p.toml": "[t]\nb = 1 # b\n",
    "p.py": "class A:\n    c = 'x'  # c\n",
}


def test_values_of_every_format_are_set_and_run_with(tmp_path, cli):
    root = repository(tmp_path / "p", FILES)
    changes = ("a=2", "l=[1, 3, 4]", "p.toml:t.b=0.5", "p.py:A.c=y", "a=5", "b=7")
    done = cli(root, "run", *(word for change in changes for word in ("--set", change)))
    assert done.code == 0, done.said
    assert (root / "params.yaml").read_text() == "a: 5 # c\nb: 7\nl:\n- 1 # one\n- 3\n- 4\n"
    assert (root / "p.toml").read_text() == "[t]\nb = 0.5 # b\n"
    assert (root / "p.py").read_text() == "class A:\n    c = 'y'  # c\n"
    recorded = lock(root)["stages"]["s"]["params"]
    assert recorded == {"params.yaml": {"a": 5, "l": [1, 3, 4]}, "p.py": {"A.c": "y"}, "p.toml": {"t.b": 0.5}}
    assert "params.yaml: a: 1 → 2" in done.out


@pytest.mark.parametrize("change", ["p.toml:t.b=null", "zz=1", "no.yaml:a=1", "a", "a=!!set {x}", "l.7=1", "p.toml:t=1", "a=["])
def test_one_change_that_cannot_be_made_leaves_every_file_as_it_is(tmp_path, cli, change):
    root = repository(tmp_path / "p", FILES)
    done = cli(root, "run", "--set", "a=2", "--set", "p.py:A.c=z", "--set", change)
    assert done.code == 2, done.said
    assert {name: (root / name).read_text() for name in FILES} == FILES
    assert not (root / "o").exists()
