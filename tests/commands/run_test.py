"""Running a pipeline from Python: values in, a result out, and everything else through the reporter."""

from __future__ import annotations

import json

import pytest

from mlgit.commands.run import RunReporter, preview, run
from mlgit.errors import EXIT_NO, EXIT_YES, MlgitError
from tests.commands.conftest import FILES


def test_run_gives_every_stage_in_running_order(notebook):
    notebook()
    result = run()
    assert [(each.stage.name, each.state) for each in result.stages] == [("prepare", "ran"), ("train", "ran")]
    assert (result.counts["ran"], result.failed, result.exit_code) == (2, (), EXIT_YES)
    assert json.loads(json.dumps(result.document()))["ok"] is True


def test_stage_that_fails_is_a_result(notebook):
    notebook(FILES | {"dvc.yaml": FILES["dvc.yaml"].replace("cp raw.csv rows.csv", "exit 3")})
    result = run()
    assert [each.outcome.code for each in result.failed] == [3]
    assert result.exit_code == EXIT_NO


def test_target_and_parameters_are_values(notebook):
    root = notebook()
    assert [each.stage.name for each in run(["prepare"], changes=["depth=5"]).stages] == ["prepare"]
    assert (root / "params.yaml").read_text() == "depth: 5\n"


def test_preview_runs_nothing(notebook):
    root = notebook()
    found = preview()
    assert [(each.name, each.depends) for each in found.stages] == [("prepare", False), ("train", False)]
    assert not (root / "rows.csv").exists()


class Watch(RunReporter):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def parameter_set(self, setting):
        self.heard.append(f"{setting.key}: {setting.before} -> {setting.now}")

    def begin(self, total):
        self.heard.append(f"begin {total}")

    def started(self, stage, reasons):
        self.heard.append(f"started {stage.name}")

    def ended(self, result):
        self.heard.append(f"ended {result.stage.name}")

    def end(self):
        self.heard.append("end")


def test_reporter_hears_what_happens_in_order(notebook):
    notebook()
    watch = Watch()
    run(changes=["depth=4"], reporter=watch)
    assert watch.heard[:3] == ["depth: 3 -> 4", "begin 2", "started prepare"]
    assert sorted(watch.heard[3:-1]) == ["ended prepare", "ended train", "started train"]
    assert watch.heard[-1] == "end"


def test_what_cannot_be_run_is_an_error(notebook):
    notebook()
    with pytest.raises(MlgitError, match="nowhere"):
        run(["nowhere"])
