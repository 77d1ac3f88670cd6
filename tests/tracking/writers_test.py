"""Scripts that log in processes of their own: one that fails, one that is killed, several that log to one run."""

from __future__ import annotations

import signal
import time

import pytest

from tests.kit import git, repository
from tests.tracking import kit

pytestmark = pytest.mark.slow  # each script imports MLflow


@pytest.fixture
def project(tmp_path, tracked):
    (tmp_path / "repo").mkdir()
    root = repository(tmp_path / "repo", {"train.py": "print(1)\n"})
    tracked.set_tracking_uri(f"mlgit://{root}")
    return root


def _said(child) -> str:
    """The first line that a script prints."""
    line = child.stdout.readline().strip()
    assert line, child.stderr.read()
    return line


def test_script_that_raises_is_failed_with_all_that_it_logged(project, tracked):
    child = kit.script(
        project, "with mlflow.start_run() as run:\n    print(run.info.run_id)\n    mlflow.log_metric('x', 1)\n    1 / 0\n"
    )
    out, _ = child.communicate(timeout=120)
    found = tracked.MlflowClient().get_run(out.strip())
    assert (child.returncode, found.info.status, found.data.metrics) == (1, "FAILED", {"x": 1.0})


def test_killed_writer_shows_as_killed_and_is_recorded_by_who_opens_the_store_next(project, tracked):
    text = (
        "run = mlflow.start_run()\nmlflow.log_param('a', 1)\n"
        "for step in range(50):\n    mlflow.log_metric('x', step, step=step)\n"
        "print(run.info.run_id, flush=True)\nimport time\ntime.sleep(600)\n"
    )
    child = kit.script(project, text)
    run_id = _said(child)
    client = tracked.MlflowClient()
    assert client.get_run(run_id).info.status == "RUNNING"
    assert client.get_run(run_id).data.metrics == {"x": 49.0}
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert client.get_run(run_id).info.status == "KILLED"
    kit.forget()
    assert tracked.MlflowClient().get_run(run_id).data.params == {"a": "1"}
    assert len(tracked.MlflowClient().get_metric_history(run_id, "x")) == 50
    assert '"status": "KILLED"' in git(project, "show", f"refs/mlgit/runs/{run_id}:run.json").replace('":"', '": "')


def test_several_processes_log_to_one_run(project, tracked):
    run = tracked.MlflowClient().create_run("0")
    text = (
        "with mlflow.start_run(run_id='{run}') as run:\n    for step in range(100):\n"
        "        mlflow.MlflowClient().log_metric('{run}', 'x', {number} * 1000 + step, step=step)\n"
    )
    children = [kit.script(project, text.format(run=run.info.run_id, number=number)) for number in range(3)]
    for child in children:
        _, err = child.communicate(timeout=300)
        assert child.returncode == 0, err
    values = {each.value for each in tracked.MlflowClient().get_metric_history(run.info.run_id, "x")}
    assert values == {float(number * 1000 + step) for number in range(3) for step in range(100)}


def test_run_that_goes_on_is_seen_by_others_as_it_grows(project, tracked):
    text = "run = mlflow.start_run()\nprint(run.info.run_id, flush=True)\ninput()\n"
    text += "mlflow.log_metric('x', 7)\nprint('logged', flush=True)\ninput()\n"
    child = kit.script(project, text)
    run_id = _said(child)
    client = tracked.MlflowClient()
    assert [each.info.run_id for each in client.search_runs(["0"], "attributes.status = 'RUNNING'")] == [run_id]
    child.stdin.write("\n")
    child.stdin.flush()
    assert _said(child) == "logged"
    assert client.get_run(run_id).data.metrics == {"x": 7.0}
    child.communicate("\n", timeout=120)
    until = time.monotonic() + 30
    while client.get_run(run_id).info.status == "RUNNING" and time.monotonic() < until:
        time.sleep(0.05)
    assert client.get_run(run_id).info.status == "FINISHED"
