"""`mlgit monitor export` as it is typed."""

from __future__ import annotations

from tests.commands.monitor_export_test import judge, root  # noqa: F401 - a fixture
from tests.kit import git
from tests.monitoring.verdicts import window_of


def test_without_a_file_it_is_shown(root, cli):  # noqa: F811
    judge(root, window_of(3, rows=312))
    done = cli(root, "monitor", "export", "churn")
    assert done.code == 0, done.said
    assert 'mlgit_monitor_window_rows{model="churn",environment="prod"} 312\n' in done.out
    assert done.err == ("note: churn#prod: `mlgit monitor run` has not been in this clone, so nobody is told when it was\n")


def test_files_are_named(root, cli):  # noqa: F811
    judge(root, window_of(3))
    done = cli(root, "monitor", "export", "--prometheus", "a.prom", "--alerts", "b.yml", "--dashboard", "c.json")
    assert done.out == "wrote a.prom: churn#prod\nwrote b.yml\nwrote c.json\n"


def test_model_that_is_left_out_is_told(root, cli):  # noqa: F811
    judge(root, window_of(3))
    git(root, "update-ref", "refs/mlgit/monitor/other@prod", "HEAD")
    done = cli(root, "monitor", "export", "--prometheus", "a.prom")
    assert done.code == 2
    assert "note: left out: refs/mlgit/monitor/other@prod" in done.err
    assert done.out == "wrote a.prom: churn#prod\n"


def test_nothing_judged_says_what_to_type(root, cli):  # noqa: F811
    done = cli(root, "monitor", "export")
    assert done.code == 2
    assert "`mlgit monitor run NAME` judges windows" in done.said


def test_document_tells_what_was_done(root, cli):  # noqa: F811
    judge(root, window_of(3))
    done = cli(root, "monitor", "export", "--alerts", "b.yml", "churn", "--json")
    assert (done.json["schema"], done.json["models"], done.json["files"]) == (1, ["churn#prod"], ["b.yml"])
    assert done.json["text"] is None
    assert "mlgit_monitor_info" in cli(root, "monitor", "export", "--json").json["text"]
