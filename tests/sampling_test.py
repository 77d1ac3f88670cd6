"""The sample of cases that `make test` draws: never none, the same for the same seed, and all of them over some seeds."""

from __future__ import annotations

from tests.kit.sampling import sample

CASES = [f"a_test.py::test_many[{number}]" for number in range(12)]


def test_third_of_the_cases_is_drawn_the_same_each_time():
    assert len(sample(CASES)) == 4
    assert sample(CASES) == sample(reversed(CASES))


def test_two_cases_are_drawn_at_least_and_a_test_without_cases_always():
    assert len(sample(CASES[:3])) == 2
    assert sample(["a_test.py::test_one"]) == {"a_test.py::test_one"}


def test_every_case_is_drawn_with_some_seed():
    assert set().union(*(sample(CASES, seed=str(seed)) for seed in range(40))) == set(CASES)
