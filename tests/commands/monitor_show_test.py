"""Timelines of models, from a repository with chains of verdicts."""

from __future__ import annotations

import pytest

from mlgit.commands.monitor_show import show, write_page
from mlgit.errors import MlgitError
from mlgit.monitoring import chain, verdict_refs
from tests.kit import git, repository
from tests.monitoring import chains
from tests.monitoring.chains import REF, acceptance, entry


@pytest.fixture
def root(tmp_path, monkeypatch):
    root = repository(tmp_path / "project", {"readme": "x\n"})
    monkeypatch.chdir(root)
    return root


def judge(root, *entries, ref=REF):
    for each in entries:
        verdict_refs.append(root, verdict_refs.load(root, ref), each)


def names(timeline):
    return [each.verdict.window.name for each in timeline.windows]


def test_all_windows_of_a_model_are_shown_in_the_order_of_time(root):
    judge(root, entry(2), entry(1))
    (found,) = show("churn").timelines
    assert (found.model, found.environment, names(found)) == ("churn", "prod", [chains.day(1), chains.day(2)])


def test_without_a_name_all_models_are_shown(root):
    judge(root, entry(1))
    judge(root, entry(1, word="page"), ref=chain.ref_of("tumor", "prod"))
    found = show()
    assert ([each.model for each in found.timelines], found.exit_code) == (["churn", "tumor"], 1)


def test_name_without_environment_means_all_of_them(root):
    judge(root, entry(1))
    judge(root, entry(1), ref=chain.ref_of("churn", "canary"))
    assert [each.environment for each in show("churn").timelines] == ["canary", "prod"]
    assert [each.environment for each in show("churn#canary").timelines] == ["canary"]


def test_name_is_understood_in_the_folder_of_its_project(root, monkeypatch):
    judge(root, entry(1), ref=chain.ref_of("models/nlp:churn", "prod"))
    (root / "models/nlp").mkdir(parents=True)
    monkeypatch.chdir(root / "models/nlp")
    assert [each.model for each in show("churn").timelines] == ["models/nlp:churn"]


def test_only_the_last_windows_are_shown_and_how_many_came_before(root):
    judge(root, *map(entry, range(5)))
    (found,) = show("churn", last=2).timelines
    assert (names(found), found.n_left_out) == ([chains.day(3), chains.day(4)], 3)


@pytest.mark.parametrize("word", [chains.day(1), f"sha256:{1:064x}", f"{1:064x}"])
def test_one_window_is_found_by_name_or_digest(root, word):
    judge(root, entry(1, word="watch"), entry(2))
    found = show("churn", window=word)
    assert (names(found.timelines[0]), found.exit_code) == ([chains.day(1)], 1)


def test_beginning_of_a_digest_is_enough(root):
    judge(root, entry(1), entry(2, digest="sha256:abcdef123456"))
    assert names(show("churn", window="abcdef1").timelines[0]) == [chains.day(2)]


@pytest.mark.parametrize(("last", "code"), [("quiet", 0), ("watch", 1), ("page", 1), ("cannot_tell", 2)])
def test_answer_is_that_of_the_last_window(root, last, code):
    judge(root, entry(1, word="page"), entry(2, word=last))
    assert show("churn").exit_code == code


def test_alarm_that_was_accepted_is_answered_with_yes(root):
    judge(root, entry(1, word="page"), acceptance(1))
    found = show("churn")
    assert found.exit_code == 0
    (row,) = found.document()["timelines"][0]["windows"]
    assert (row["verdict"], row["accepted"]["reason"], row["window"]["name"]) == ("page", "a new office", chains.day(1))


def test_nothing_judged_says_what_to_type(root):
    with pytest.raises(MlgitError, match="no window was judged yet") as told:
        show()
    assert "mlgit monitor run" in told.value.hint


def test_unknown_name_tells_the_near_one(root):
    judge(root, entry(1))
    with pytest.raises(MlgitError, match="did you mean 'churn'"):
        show("chrun")


def test_unknown_environment_tells_those_that_there_are(root):
    judge(root, entry(1))
    with pytest.raises(MlgitError, match="judged in 'canary', but in prod"):
        show("churn#canary")


def test_version_is_no_place_of_verdicts(root):
    with pytest.raises(MlgitError, match="about what an environment has"):
        show("churn@v1.0.0")


def test_unknown_window_tells_the_near_one(root):
    judge(root, entry(1))
    with pytest.raises(MlgitError, match="no window '2026-05-22' was judged, did you mean '2026-05-02'"):
        show("churn", window="2026-05-22")


def test_bare_repository_shows_what_was_pushed_there(root, tmp_path, monkeypatch):
    judge(root, entry(1))
    git(tmp_path, "init", "--quiet", "--bare", "bare.git")
    git(root, "push", "--quiet", str(tmp_path / "bare.git"), REF)
    monkeypatch.chdir(tmp_path / "bare.git")
    assert names(show("churn").timelines[0]) == [chains.day(1)]


def test_page_is_of_one_model(root, tmp_path):
    judge(root, entry(1))
    write_page(tmp_path / "page.html", show("churn"))
    assert "churn in prod" in (tmp_path / "page.html").read_text()
    judge(root, entry(1), ref=chain.ref_of("tumor", "prod"))
    with pytest.raises(MlgitError, match="a page shows one model"):
        write_page(tmp_path / "page.html", show())
