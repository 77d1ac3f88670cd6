"""What a search tries next."""

from __future__ import annotations

import math

import pytest

from mlgit.adapters.formats import edits
from mlgit.errors import MlgitError
from mlgit.experiments import samplers, search_space
from mlgit.experiments.draws import ObservedTrial, draw
from mlgit.experiments.search_space import setting
from tests.kit import FULL

WIDE = ("lr=1e-4..1e-1/log", "depth=2..8", "kind=a,b,[1]", "rate=0..0.5/0.1", "width=16..512/log", "u=-1..1.0")


def make(name, *texts, **options):
    return samplers.make(name, search_space.parse(texts, value_of=edits.value_of), **options)


def tpe(*texts, n_trials=None, seed=0, direction="lower"):
    return make("tpe", *texts, n_trials=n_trials, seed=seed, objective="loss", direction=direction)


def asked(sampler, most=1000):
    found = [sampler.ask(number, ()) for number in range(1, most + 1)]
    return found[: found.index(None)] if None in found else found


def searched(sampler, loss, count, history=()):
    """The trials of a search, each observed before the next is asked for."""
    history = list(history)
    for number in range(len(history) + 1, count + 1):
        changes = sampler.ask(number, history)
        history.append(ObservedTrial(number, changes, "finished", loss(changes)))
    return history


def bowl(changes):
    return (
        (math.log10(changes["lr"]) + 2.5) ** 2 + (changes["depth"] - 5) ** 2 / 4 + (changes["kind"] != "a") + changes["u"] ** 2
    )


def test_grid_has_every_setting_once():
    found = asked(make("grid", "a=1,2", "b=2..4", "c=0..1/0.5"))
    assert len(found) == len({setting(each) for each in found}) == 18
    assert found[0] == {"a": 1, "b": 2, "c": 0.0}


def test_grid_ends_where_fewer_trials_were_asked_for():
    assert len(asked(make("grid", "a=1..9", n_trials=4))) == 4


def test_space_without_parameters_is_one_trial():
    assert asked(make("grid")) == [{}]


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (("a=1", "b.c=0..1.0"), "--set b.c: a grid needs values"),
        (("a=1..8/log",), "--set a: a grid has no use for `/log`"),
        (("a=1..1000", "b=1..1000"), "a grid of 1,000,000 trials"),
    ],
)
def test_grid_of_too_much_is_refused(texts, said):
    with pytest.raises(MlgitError) as refused:
        make("grid", *texts)
    assert said in refused.value.message
    assert "--sampler random --trials 20" in refused.value.hint


def test_random_trial_is_the_same_whoever_asks_and_in_which_order():
    one, other = (make("random", *WIDE, n_trials=9, seed=3) for _ in range(2))
    assert [one.ask(number, ()) for number in range(9, 0, -1)] == asked(other)[::-1]


def test_seed_changes_what_is_drawn():
    assert asked(make("random", *WIDE, n_trials=3, seed=1)) != asked(make("random", *WIDE, n_trials=3, seed=2))


def test_random_ends_after_as_many_as_were_asked_for():
    assert len(asked(make("random", *WIDE, n_trials=7))) == 7


@pytest.mark.parametrize("texts", [("a=1..9", "b=x,y"), ("a=1..12/log", "b=x,y"), ("a=1..300", "b=1..300")])
def test_random_never_draws_the_same_twice(texts):
    found = asked(make("random", *texts, n_trials=500))
    assert len({setting(each) for each in found}) == len(found)
    assert len(found) == {("a=1..9", "b=x,y"): 18, ("a=1..12/log", "b=x,y"): 24}.get(texts, 500)


def test_parameter_that_is_added_leaves_the_draws_of_others():
    spaces = [search_space.parse(texts, value_of=edits.value_of) for texts in (("a=0..1.0",), ("b=1..5", "a=0..1.0"))]
    assert len({draw(space, seed=1, number=4)["a"] for space in spaces}) == 1


def test_draws_are_spread_evenly():
    found = [each["a"] for each in asked(make("random", "a=0..1.0", n_trials=1000))]
    assert all(70 <= sum(low / 10 <= each < (low + 1) / 10 for each in found) <= 130 for low in range(10))


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("gird", {}, "no sampler 'gird', did you mean 'grid'?"),
        ("random", {}, "`--sampler random` does not know how many trials to make"),
        ("random", {"n_trials": 0}, "--trials: 0 is not a number of trials"),
        ("tpe", {"n_trials": 5}, "`--sampler tpe` does not know what to improve"),
        ("tpe", {"n_trials": 5, "objective": "auc"}, "`--sampler tpe` does not know what to improve"),
    ],
)
def test_search_that_cannot_be_made_is_refused(name, options, said):
    with pytest.raises(MlgitError) as refused:
        make(name, "a=0..1.0", **options)
    assert said in refused.value.message
    assert refused.value.hint


@pytest.mark.slow  # Optuna is imported
class TestTpe:
    def test_first_draws_are_at_random(self):
        assert asked(tpe(*WIDE, n_trials=5, seed=4)) == asked(make("random", *WIDE, n_trials=5, seed=4))

    def test_every_setting_is_in_the_space(self):
        sampler = tpe(*WIDE, n_trials=25)
        for each in searched(sampler, bowl, 25):
            for one in search_space.parse(WIDE, value_of=edits.value_of).dimensions:
                value = each.changes[one.name]
                assert one.index(value) is not None if one.size else one.span.low <= value <= one.span.high

    def test_answer_depends_on_the_trials_and_not_on_their_order_or_on_who_asks(self):
        history = searched(tpe(*WIDE, n_trials=40), bowl, 20)
        assert tpe(*WIDE, n_trials=40).ask(21, history) == tpe(*WIDE, n_trials=40).ask(21, history[::-1])

    def test_what_is_found_is_better_than_what_is_drawn_at_random(self):
        seeds = range(8 if FULL else 3)
        guided = [min(each.value for each in searched(tpe(*WIDE, n_trials=50, seed=seed), bowl, 50)) for seed in seeds]
        drawn = [min(map(bowl, asked(make("random", *WIDE, n_trials=50, seed=seed)))) for seed in seeds]
        assert sum(guided) < sum(drawn) / 2

    def test_higher_is_sought_where_that_is_better(self):
        found = searched(tpe("a=0..1.0", n_trials=30, direction="higher"), lambda changes: changes["a"], 30)
        assert sum(each.changes["a"] for each in found[-10:]) > 8

    def test_small_space_is_exhausted_and_nothing_is_tried_twice(self):
        sampler = tpe("a=1..5", "b=x,y,z")
        history = searched(sampler, lambda changes: changes["a"], 15)
        assert len({setting(each.changes) for each in history}) == 15
        assert sampler.ask(16, history) is None

    def test_running_trials_keep_the_next_away(self):
        history = searched(tpe("a=0..1.0", n_trials=99), lambda changes: (changes["a"] - 0.5) ** 2, 20)

        def distance(number, status):
            there = [ObservedTrial(30 + place, {"a": 0.5 + place / 1000}, status) for place in range(-4, 5)]
            return abs(tpe("a=0..1.0", n_trials=99).ask(number, [*history, *there])["a"] - 0.5)

        apart, alone = (sum(distance(number, status) for number in range(50, 60)) for status in ("running", "failed"))
        assert apart > 1.2 * alone

    def test_failed_trials_and_those_without_a_number_are_not_tried_again(self):
        history = searched(tpe("a=1..30", n_trials=99), lambda changes: changes["a"], 12)
        history += [ObservedTrial(13, {"a": 31}, "finished", 1.0), ObservedTrial(14, {"a": 1.5}, "failed")]
        history += [ObservedTrial(15, history[0].changes, "finished", math.nan), ObservedTrial(16, {"z": 2}, "killed")]
        found = tpe("a=1..30", n_trials=99).ask(17, history)
        assert found not in [each.changes for each in history]

    def test_infinite_loss_is_a_bad_one(self):
        loss = {True: math.inf, False: 0.1}
        found = searched(tpe("a=0..1.0", n_trials=40), lambda changes: loss[changes["a"] > 0.5] + changes["a"], 40)
        assert sum(each.changes["a"] for each in found[-10:]) < 3
