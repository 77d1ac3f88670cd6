"""What a command imports that meets no rows of data: nothing that takes longer than its answer."""

from __future__ import annotations

import sys

import pytest

from tests.kit import git, program, repository

FILES = {
    "dvc.yaml": "stages: {s: {cmd: cp in.txt out.txt, deps: [in.txt], outs: [{out.txt: {cache: false}}]}}\nmetrics: [m.json]\n",
    "in.txt": "1\n",
    "m.json": '{"accuracy": 0.5}\n',
    "mlgit.yaml": "mlgit: 1\nmetrics: {accuracy: {direction: higher}}\nmodels: {m: {metrics: m.json}}\n"
    "gates: {rules: [{id: a, kind: no_worse, metric: accuracy, margin: 0.1}]}\n",
}
SLOW = ("numpy", "pandas", "sklearn", "dvc", "git", "ruamel", "rich", "sqlite3", "importlib.metadata")
ROWS = ("mlgit.statistics.bootstrap", "mlgit.evaluation.paired_rows", "mlgit.tables.overlap", "mlgit.tables.drift")
CODE = f"""\
import sys
from mlgit.cli.error_boundary import run
run(sys.argv[1:])
print([name for name in {SLOW + ROWS} if name in sys.modules])
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = repository(tmp_path_factory.mktemp("numbers") / "project", FILES)
    git(root, "switch", "--quiet", "--create", "change")
    (root / "m.json").write_text('{"accuracy": 0.45}\n')
    return root


@pytest.mark.parametrize(
    ("line", "said"),
    [("diff main", "0.45"), ("gate main", "recorded numbers only"), ("gate main --json", "recorded numbers only")],
)
def test_where_no_row_is_judged_nothing_that_judges_rows_is_imported(root, line, said):
    done = program(root, [sys.executable, "-c", CODE, *line.split()])
    assert said in done.out
    assert done.out.splitlines()[-1] == "[]"
