"""What `mlgit monitor show` and `mlgit monitor accept` print."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from mlgit.monitoring import chain, verdict_refs
from mlgit.monitoring.verdict import WindowName
from tests.kit import git, program, repository
from tests.monitoring import chains
from tests.monitoring.chains import REF, entry


def judge(root, *entries, ref=REF):
    for each in entries:
        verdict_refs.append(root, verdict_refs.load(root, ref), each)


@pytest.fixture
def root(tmp_path):
    root = repository(tmp_path / "project", {"readme": "x\n"})
    judge(root, entry(0), entry(1, word="page", martingale=138.2))
    return root


def test_timeline_is_a_line_a_window(cli, root):
    done = cli(root, "monitor", "show", "churn")
    assert (done.code, done.out.splitlines()) == (
        1,
        [
            "churn in prod: 2 windows",
            "",
            "window      rows  verdict      p  martingale  what moved most",
            "2026-05-01   500  quiet      0.4           1",
            "2026-05-02   500  page     0.001         138  amount: mean +0.31 sd",
        ],
    )


def test_accepted_window_says_by_whom_and_why(cli, root):
    done = cli(root, "monitor", "accept", "2026-05-02", "--reason", "a new office")
    assert (done.code, done.out) == (0, "accepted the window '2026-05-02' of churn in prod: a new office\n")
    assert "`mlgit push` sends it" in done.err
    done = cli(root, "monitor", "show")
    assert done.code == 0
    assert done.out.splitlines()[-1].endswith(": a new office")
    done = cli(root, "monitor", "accept", "2026-05-02", "--reason", "again")
    assert (done.code, done.out.startswith("nothing to do: accepted by "), done.err) == (0, True, "")


def test_one_window_is_shown_whole(cli, root):
    done = cli(root, "monitor", "show", "--window", "2026-05-02")
    assert done.code == 1
    for said in (
        "churn v1.0.0 in prod: 2026-05-02",
        "verdict       page (feature drift)",
        "rows          500, 2026-05-02T00:00:00Z to 2026-05-02T23:59:59Z",
        "p             0.001 (rank, 40 batches, alarms at 0.05)",
        "would show    a mean that moves by 0.2 sd, 3 % of the rows at another level",
        "blind to      a changed relation of inputs and truth",
        "amount     4.5  0.001  mean +0.31 sd",
        "country    0.4      –  new level 'EUR', 14 rows",
        "accuracy  0.900 (0.850 to 0.940)  0.91",
    ):
        assert said in done.out.splitlines(), done.out


def test_versions_are_told_where_there_are_several(cli, root):
    judge(root, entry(2, version="v1.1.0"))
    assert "window      version  rows" in cli(root, "monitor", "show").out


def test_long_timelines_are_cut_on_a_terminal_only(cli, root):
    judge(root, *(entry(number) for number in range(2, 40)))
    done = cli(root, "monitor", "show")
    assert (len(done.out.splitlines()), "the last 30; --last 40 shows all" in done.out) == (34, True)
    assert len(cli(root, "monitor", "show", "--json").json["timelines"][0]["windows"]) == 40
    assert len(cli(root, "monitor", "show", "--last", "3").out.splitlines()) == 7


def test_names_of_windows_are_not_obeyed(cli, root):
    given = chains.verdict(3, word="page")
    judge(root, chain.of_verdict(replace(given, window=WindowName("\x1b[31m page \n", "sha256:x", 1, given.window.since))))
    done = cli(root, "monitor", "show")
    assert ("\x1b" in done.out, "\\x1b[31m page \\n" in done.out) == (False, True)


def test_nothing_judged_is_no_answer(cli, tmp_path):
    root = repository(tmp_path / "empty", {"readme": "x\n"})
    done = cli(root, "monitor", "show")
    assert (done.code, "mlgit monitor run NAME" in done.err) == (2, True)


def test_garbage_in_the_ref_is_told_without_a_traceback(cli, root):
    git(root, "update-ref", REF, "HEAD")
    done = cli(root, "monitor", "show")
    assert (done.code, "is not what mlgit writes" in done.err, "git log" in done.err) == (2, True, True)


def test_page_is_written_and_the_answer_is_the_same(cli, root, tmp_path):
    done = cli(root, "monitor", "show", "churn", "--html", str(tmp_path / "page.html"))
    assert (done.code, done.out) == (1, f"wrote {tmp_path / 'page.html'}\n")
    assert (tmp_path / "page.html").read_text().startswith("<!DOCTYPE html>")


def test_page_of_one_window_is_refused(cli, root):
    assert cli(root, "monitor", "show", "--html", "x.html", "--window", "2026-05-02").code == 2


def test_verdicts_are_shown_without_importing_numpy(root):
    code = "import sys; from mlgit.commands import monitor_show; monitor_show.show(); sys.exit('numpy' in sys.modules)"
    assert program(root, [sys.executable, "-c", code]).code == 0


@pytest.mark.parametrize("word", ["quiet", "watch", "page", "cannot_tell"])
def test_every_verdict_has_a_colour(cli, root, word):
    judge(root, entry(5, word=word))
    for more in ((), ("--window", chains.day(5))):
        done = cli(root, "--color", "always", "monitor", "show", *more)
        assert f"m{word.replace('_', ' ')}\x1b[0m" in done.out
