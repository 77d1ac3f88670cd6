"""`mlgit diff` and `mlgit gate` on tables in every format."""

from __future__ import annotations

import pytest

from tests.kit import commit, repository
from tests.tables import written

pytestmark = pytest.mark.slow  # data in DVC's cache

DOCUMENT = "conf.json"
BROKEN = "broken.csv.gz"
GATES = """\
mlgit: 1
models: {m: {metrics: m.json}}
gates:
  baseline: {ref: HEAD, fallback: none}
  rules:
"""


def write(root, rows):
    """The same table in every format, and two files that are none in spite of their names."""
    files = written.every(("id", "x"), [(row, row % 7 + rows) for row in range(rows)])
    for path, content in files.items():
        (root / path).write_bytes(content)
    (root / DOCUMENT).write_text(f'{{"rows": {rows}}}')
    (root / BROKEN).write_bytes(files["t.csv.gz"][:-rows])
    return sorted(files)


@pytest.fixture
def root(tmp_path, cli):
    root = repository(tmp_path / "project", {"mlgit.yaml": "mlgit: 1\n", "m.json": '{"auc": 0.5}'})
    paths = [*write(root, 40), DOCUMENT, BROKEN]
    rules = "".join(
        f"    - {{id: '{path}', kind: data, path: {path}, rows: [-5%, 150%]}}\n" for path in paths if path != DOCUMENT
    )
    (root / "mlgit.yaml").write_text(GATES + rules)
    assert cli(root, "add", *paths).code == 0
    commit(root)
    write(root, 80)
    assert cli(root, "add", *paths).code == 0
    return root


def test_rows_columns_and_values_of_every_format_are_compared(root, cli):
    done = cli(root, "diff")
    lines = done.out.splitlines()
    for path in written.every(("id",), [(1,)]):
        said = [line for line in lines if line.split()[:1] == [path]]
        assert "40 -> 80 rows, 2 columns" in said[0]
        assert "moved (index): " in said[1]
    assert [line.split()[1] for line in lines if line.split()[:1] == [DOCUMENT]] == ["changed"]
    broken = [line for line in lines if line.split()[:1] == [BROKEN]]
    assert ("rows" in broken[0], "damaged, or no gzip" in broken[1]) == (False, True)


def test_gate_judges_the_rows_of_every_format(root, cli):
    found = {each["id"]: each["outcome"] for each in cli(root, "gate", "--json").json["rules"]}
    assert found == dict.fromkeys(written.every(("id",), [(1,)]), "pass") | {BROKEN: "invalid"}
