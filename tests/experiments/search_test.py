"""Which trial comes next, and which is best: by numbers alone."""

from __future__ import annotations

import pytest

from mlgit.experiments.search import RecordedTrial, Search, value_of
from mlgit.experiments.sweep import Sweep, TrialEnd, read, read_end
from mlgit.experiments.until import parse

SWEEP = Sweep("c" * 40, "t" * 40, space=("lr=1,2,3",), objective="score", direction="higher", n_trials=3)


class Counting:
    """A sampler that sets `lr` to the number of the trial, up to three."""

    def ask(self, number, history):
        return {"lr": number} if number <= 3 else None


def end(trial, score, **more):
    return TrialEnd(trial.number, trial.name, "finished", "a" * 40, changes=trial.changes, metrics={"score": score}, **more)


def test_trials_come_in_order_until_none_is_left():
    search = Search(SWEEP, Counting())
    given = [search.next() for _ in range(3)]
    assert [each.changes for each in given] == [{"lr": 1}, {"lr": 2}, {"lr": 3}]
    assert (search.next(), search.is_done) == (None, False)
    for each in given:
        search.take(end(each, 0.5))
    assert search.is_done


def test_best_is_the_first_of_equals_by_direction():
    for direction, scores, best in (("higher", (1, 3, 3), 2), ("lower", (2, 1, 1), 2), ("higher", (None, float("nan"), 0), 3)):
        search = Search(Sweep("c", "t", objective="score", direction=direction), Counting())
        for score in scores:
            search.take(end(search.next(), score))
        assert search.best().number == best


def test_interrupted_trial_is_the_same_again():
    search = Search(SWEEP, Counting(), interrupted={2: {"lr": 7}})
    assert [search.next().changes["lr"] for _ in range(3)] == [1, 7, 3]


def test_recorded_trial_is_not_run_unless_forced():
    name = Search(SWEEP, Counting()).next().name
    recorded = {name: RecordedTrial("b" * 40, {"lr": 1})}
    assert Search(SWEEP, Counting(), recorded=recorded).next().commit == "b" * 40
    assert Search(SWEEP, Counting(), recorded=recorded).next(force=True).commit == ""


def test_name_of_another_trial_gets_more_digits():
    name = Search(SWEEP, Counting()).next().name
    search = Search(SWEEP, Counting(), recorded={name: RecordedTrial("b" * 40, {"lr": 99})})
    longer = search.next()
    assert (longer.commit, len(longer.name)) == ("", len(name) + 2)


def test_trial_whose_name_is_busy_waits():
    search = Search(SWEEP, Counting())
    name = Search(SWEEP, Counting()).next().name
    assert search.next(busy=[name]) is None
    assert not search.is_done
    assert search.next().name == name


def test_nothing_is_begun_once_one_is_good_enough():
    search = Search(SWEEP, Counting(), until=parse("score>=0.9"))
    first = search.next()
    search.take(end(first, 0.95))
    assert (search.next(), search.is_done) == (None, True)


@pytest.mark.parametrize(
    ("metrics", "value"),
    [
        ({"score": 1}, 1.0),
        ({"test.score": 2}, 2.0),
        ({"test.score": 2, "train.score": 3}, None),
        ({"other.json:score": 4}, 4.0),
        ({"score": "high"}, None),
        ({"score": True}, None),
        ({"score": float("inf")}, None),
    ],
)
def test_objective_is_found_by_its_name_or_the_last_part_of_it(metrics, value):
    assert value_of(metrics, "score") == value


def test_failed_trials_are_counted_as_they_come():
    search = Search(SWEEP, Counting(), ends=(TrialEnd(1, "a", "failed"), TrialEnd(2, "b", "finished", "c" * 40)))
    search.take(TrialEnd(3, "d", "failed"))
    assert (search.n_failed, len(search.ends)) == (2, 3)


def test_sweep_and_end_are_read_as_written_and_nothing_else():
    assert read(SWEEP.document()) == SWEEP
    assert [read(each) for each in (None, [], {}, {"schema": 2}, {"schema": 1})] == [None] * 5
    done = TrialEnd(1, "a", "failed", changes={"lr": 1}, message="no")
    assert read_end(done.document()) == done
    assert [read_end(each) for each in (None, {"number": 1}, {**done.document(), "more": 1})] == [None] * 3
