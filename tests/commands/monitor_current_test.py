"""`mlgit monitor run --current FILE`: files that are empty, lack columns, or cannot be cut as declared."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from mlgit.commands import monitor_run
from mlgit.commands.monitor_run import ModelRun
from tests.kit import commit, write_tree
from tests.kit.forked import mlgit
from tests.registry.projects import made

pytestmark = pytest.mark.slow  # a version is released and watched

SETTINGS = """\
mlgit: 1
metrics: {accuracy: {direction: higher}}
models:
  churn: {metrics: reports/metrics.json, predictions: reports/predictions.csv, id: id, train: [data/train.csv]}
environments: [{name: prod}]
monitoring:
  churn: {windows: {path: "data/today/*.csv", by: day(ts)}, labels: {path: labels.csv, id: id, label: truth}}
"""
EVALUATE = """\
mkdir -p reports
echo '{"accuracy": 0.9}' > reports/metrics.json
printf 'id,label,prediction\\n1,1,1\\n2,0,0\\n' > reports/predictions.csv
"""


def _rows(number: int, *, columns: str = "id,ts,x,y,truth", time: str = "") -> str:
    rng = random.Random(number)
    lines = [columns]
    for row in range(60):
        at = time or f"2026-{1 + number // 28:02d}-{1 + number % 28:02d}T{row % 24:02d}:00:00Z"
        known = {"id": f"{number}-{row}", "ts": at, "x": f"{rng.gauss(0, 1):.3f}", "y": f"{rng.gauss(0, 1):.3f}"}
        lines.append(",".join((known | {"truth": str(row % 2)})[each] for each in columns.split(",")))
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    past = [line for number in range(24) for line in _rows(number).splitlines()[1:]]
    files = {
        "mlgit.yaml": SETTINGS,
        "src/prepare.sh": "cp data/raw.csv data/train.csv\ncp data/raw.csv data/test.csv\n",
        "src/evaluate.sh": EVALUATE,
        "data/raw.csv": "id,ts,x,y,truth\n" + "\n".join(past) + "\n",
        "labels.csv": "id,truth\n0-0,1\n",
    }
    root = made(tmp_path_factory.mktemp("named") / "project", mlgit, files)
    columns = "id,ts,x,y"
    write_tree(root, {f"data/today/{number}.csv": _rows(number, columns=columns) for number in range(30, 33)})
    write_tree(root, {"lacks.csv": _rows(34, columns="id,ts,y"), "none.csv": "id,ts,x,y\n"})
    write_tree(root, {"untimed.csv": _rows(35, columns=columns, time="13/02/2026 10:00")})
    write_tree(root, {"moved.csv": _rows(36, columns=columns).replace(",0.", ",90.").replace(",-0.", ",90.")})
    commit(root)
    for words in (("register", "churn", "--version", "v1.0.0"), ("promote", "churn@v1.0.0", "prod")):
        done = mlgit(root, "model", *words)
        assert done.code == 0, done.said
    return root


@pytest.fixture
def judged(root: Path, monkeypatch: pytest.MonkeyPatch) -> ModelRun:
    monkeypatch.chdir(root)
    return monitor_run.run("churn").models[0]


def _named(path: str, *, record: bool = False) -> ModelRun:
    return monitor_run.run("churn", current=path, record=record).models[0]


def test_file_without_rows_has_no_answer_whatever_stands_about_others(judged: ModelRun) -> None:
    found = _named("none.csv")
    assert (found.verdicts, found.latest, found.exit_code) == ((), None, 2)
    assert "no rows" in found.notes


def test_file_that_was_judged_before_answers_as_it_did(judged: ModelRun) -> None:
    first, again = _named("moved.csv", record=True), _named("moved.csv", record=True)
    assert again.latest is not None
    assert again.latest.window.name.startswith("2026-02-")
    assert {first.exit_code, again.exit_code} == {1}
    assert _named("none.csv", record=True).exit_code == 2


def test_column_that_quiet_windows_had_is_missing_where_a_window_lacks_it(judged: ModelRun) -> None:
    (verdict,) = _named("lacks.csv").verdicts
    assert verdict.verdict in ("watch", "page")
    assert verdict.columns[0].name == "x"
    assert "missing 0 % -> 100 %" in verdict.columns[0].effect


def test_times_that_cannot_be_read_are_told_where_the_file_is_one_window(judged: ModelRun) -> None:
    found = _named("untimed.csv")
    (told,) = [each for each in found.notes if each.startswith("one window, not cut by day(ts): ")]
    assert "ts" in told
    assert [each.window.name for each in found.verdicts] == ["untimed.csv"]


def test_truth_of_the_labels_is_no_input(judged: ModelRun) -> None:
    assert not any("truth" in each for verdict in judged.verdicts for each in verdict.blind_to)
