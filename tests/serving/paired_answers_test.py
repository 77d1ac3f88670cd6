"""Answers of two versions to the same rows, brought together by the id of the request."""

from __future__ import annotations

import pytest

from mlgit.serving import log_reader, paired_answers
from tests.serving.logs import single, write


def collect(folder, *, models=("churn",), **options):
    return paired_answers.collect(log_reader.rows([folder]), models=set(models), **options)


def test_rows_are_paired_by_id_whatever_their_order(tmp_path):
    write(tmp_path, single([0.2, 0.8, 0.6]), version="v1.0.0")
    write(tmp_path, single([0.3, 0.7, 0.4])[::-1], version="v1.1.0", role="shadow")
    found = collect(tmp_path)
    assert (found.champion.version, found.challenger.version, found.challenger.role) == ("v1.0.0", "v1.1.0", "shadow")
    assert sorted(zip(found.ids, *found.predictions, strict=True)) == [("r0", 0, 0), ("r1", 1, 1), ("r2", 1, 0)]
    assert dict(zip(found.ids, found.scores[1], strict=True)) == {"r0": 0.3, "r1": 0.7, "r2": 0.4}


def test_each_row_of_a_request_is_one_of_its_own(tmp_path):
    for version, role in (("v1.0.0", "champion"), ("v1.1.0", "shadow")):
        write(tmp_path, [("a", [[1], [2]], [0, 1])], version=version, role=role)
    assert collect(tmp_path).ids == ("a/0", "a/1")


def test_what_has_no_pair_is_counted(tmp_path):
    write(tmp_path, single([0.1] * 5), version="v1.0.0")
    write(tmp_path, [each for each in single([0.1] * 5) if each[0] != "r2"], version="v1.1.0", role="shadow")
    found = collect(tmp_path)
    assert (len(found.ids), found.alone) == (4, 1)


def test_id_that_came_twice_is_left_out_on_both_sides(tmp_path):
    answers = single([0.1, 0.2])
    write(tmp_path, [*answers, answers[0]], version="v1.0.0")
    write(tmp_path, answers, version="v1.1.0", role="shadow")
    found = collect(tmp_path)
    assert (found.ids, found.repeated) == (("r1",), 1)


def test_versions_that_were_asked_last_are_compared(tmp_path):
    write(tmp_path, single([0.1] * 3), version="v1.0.0")
    write(tmp_path, single([0.1] * 2), version="v1.1.0", role="shadow")
    write(tmp_path, single([0.1] * 3)[2:], version="v1.2.0", role="shadow")
    late = [("late", [[1]], [0])]
    write(tmp_path, [*[("x", [[1]], [0])] * 9, *late], version="v1.0.0", name="later")
    write(tmp_path, [*[("y", [[1]], [0])] * 9, *late], version="v1.2.0", role="shadow", name="later")
    found = collect(tmp_path)
    assert (found.challenger.version, found.ids, found.others) == ("v1.2.0", ("r2", "late"), 2)


def test_answers_of_another_model_are_none(tmp_path):
    write(tmp_path, single([0.1]), version="v1.0.0", model="other")
    write(tmp_path, single([0.1]), version="v1.1.0", role="shadow", model="other")
    assert collect(tmp_path) is None
    assert collect(tmp_path, models=("other", "teams/risk:other")).ids == ("r0",)


def test_likeliest_class_is_the_prediction_where_only_probabilities_were_asked_for(tmp_path):
    answers = [("a", [[1]], None, [[0.1, 0.7, 0.2]])]
    for version, role in (("v1.0.0", "champion"), ("v1.1.0", "shadow")):
        write(tmp_path, answers, version=version, role=role, classes=("x", "y", "z"))
    found = collect(tmp_path, positive="z")
    assert (found.predictions, found.scores) == ((("y",), ("y",)), ((0.2,), (0.2,)))
    assert collect(tmp_path).scores is None


@pytest.mark.parametrize(("predictions", "are_numbers"), [([1.5, 2.0], True), ([1.0, 2.0], False), (["a", "b"], False)])
def test_amounts_are_told_from_classes(tmp_path, predictions, are_numbers):
    answers = [(f"r{number}", [[1]], [each]) for number, each in enumerate(predictions)]
    for version, role in (("v1.0.0", "champion"), ("v1.1.0", "shadow")):
        write(tmp_path, answers, version=version, role=role, classes=())
    assert collect(tmp_path).are_numbers is are_numbers


def test_only_wanted_inputs_are_kept(tmp_path):
    answers = [("a", [[1, "north"]], [0])]
    for version, role in (("v1.0.0", "champion"), ("v1.1.0", "shadow")):
        write(tmp_path, answers, version=version, role=role, columns=("x", "region"))
    assert collect(tmp_path, wanted={"region"}).columns == {"region": ("north",)}


def test_pair_without_a_prediction_is_counted_and_left_out(tmp_path):
    write(tmp_path, [("a", [[1]], [None]), ("b", [[1]], [1])], version="v1.0.0", classes=())
    write(tmp_path, [("a", [[1]], [1]), ("b", [[1]], [1])], version="v1.1.0", role="shadow", classes=())
    found = collect(tmp_path)
    assert (found.ids, found.incomplete) == (("b",), 1)
