"""What follows from the entries of a chain, without a repository."""

from __future__ import annotations

import pytest

from mlgit.errors import MlgitError
from mlgit.monitoring import chain
from mlgit.monitoring.chain import Chain
from tests.monitoring import chains
from tests.monitoring.chains import DIGEST, REF, acceptance, entry, window


def of(*entries):
    return Chain(REF, "churn", "prod", entries=entries)


def names(found):
    return [each.verdict.window.name for each in found]


@pytest.mark.parametrize(
    ("model", "environment", "ref"),
    [
        ("churn", "prod", "refs/mlgit/monitor/churn@prod"),
        ("models/nlp:churn", "prod", "refs/mlgit/monitor/models/nlp=churn@prod"),
        ("a/b", "prod/eu", "refs/mlgit/monitor/a/b@prod=eu"),
        ("churn", "", "refs/mlgit/monitor/churn@"),
    ],
)
def test_name_and_environment_are_a_ref_and_the_ref_is_both(model, environment, ref):
    assert (chain.ref_of(model, environment), chain.place_of(ref)) == (ref, (model, environment))


@pytest.mark.parametrize("ref", ["refs/mlgit/monitor/churn", "refs/heads/churn@prod", "refs/mlgit/monitor/@prod", "refs/x@@y"])
def test_other_refs_are_no_chains(ref):
    assert chain.place_of(ref) is None


def test_name_that_is_no_model_is_refused():
    with pytest.raises(MlgitError, match="cannot be an artifact's name"):
        chain.ref_of("../x", "prod")


def test_verdict_is_found_by_model_and_window():
    found = of(entry(1), entry(2))
    assert found.find(DIGEST, window(2).digest) is found.entries[1]
    assert found.find("sha256:other", window(2).digest) is None


def test_later_rows_of_a_window_supersede_its_verdict():
    found = of(entry(1), entry(2), entry(1, digest="sha256:later", word="page"))
    assert names(found.current) == [chains.day(1), chains.day(2)]
    assert [each.verdict.verdict for each in found.current] == ["page", "quiet"]
    assert len(found.verdicts) == 3


def test_window_stands_once_for_each_model():
    found = of(entry(1), entry(1, model_digest="sha256:next"))
    assert len(found.current) == 2


def test_windows_stand_in_the_order_of_their_times():
    assert names(of(entry(3), entry(1), entry(2)).current) == [chains.day(each) for each in (1, 2, 3)]


def test_windows_without_times_stand_as_they_were_judged():
    assert names(of(entry(3, timed=False), entry(1)).current) == [chains.day(3), chains.day(1)]


def test_window_without_time_stays_behind_the_one_that_was_judged_before_it():
    found = of(entry(3), entry(1), entry(9, timed=False), entry(2))
    assert names(found.current) == [chains.day(each) for each in (1, 9, 2, 3)]


def test_growing_reference_holds_quiet_and_accepted_windows_of_one_model():
    found = of(
        entry(1),
        entry(2, word="page"),
        entry(3, word="watch"),
        acceptance(2),
        entry(4, model_digest="sha256:next"),
    )
    assert names(found.admitted(DIGEST)) == [chains.day(1), chains.day(2)]


def test_acceptance_of_what_was_never_judged_counts_for_nothing():
    assert of(entry(1), acceptance(2)).acceptances == {}


def test_acceptance_is_about_one_model():
    found = of(entry(1, word="page"), entry(1, word="page", model_digest="sha256:next"), acceptance(1))
    assert [each.is_admitted for each in found.timeline] == [True, False]


def test_first_acceptance_counts():
    found = of(entry(1, word="page"), acceptance(1, reason="first"), acceptance(1, reason="second"))
    (judged,) = found.timeline
    assert judged.acceptance.reason == "first"


@pytest.mark.parametrize(("word", "code"), [("quiet", 0), ("watch", 1), ("page", 1), ("cannot_tell", 2)])
def test_answer_is_that_of_the_last_window(word, code):
    assert of(entry(2, word=word), entry(1)).latest.exit_code == code


def test_accepted_alarm_is_answered_with_yes():
    assert of(entry(1, word="page"), acceptance(1)).latest.exit_code == 0


def test_empty_chain_has_no_answer():
    assert chain.empty(REF).latest is None


def test_repeated_verdict_about_one_window_counts_once():
    found = of(entry(1, martingale=1.0), entry(1, martingale=9.0))
    assert [each.verdict.martingale for each in found.verdicts] == [1.0]
