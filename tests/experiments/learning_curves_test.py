"""Tables that DVCLive writes, as points."""

from __future__ import annotations

from mlgit.experiments import learning_curves


def test_points_are_step_and_value_in_order():
    assert learning_curves.parse("step\tauc\n1\t0.5\n0\t0.25\n") == ((0.0, 0.25), (1.0, 0.5))
    assert learning_curves.parse("step\ttimestamp\tauc\n0\t17000\t0.5\n") == ((0.0, 0.5),)
    assert learning_curves.parse("step,auc\n0,0.5\n") == ((0.0, 0.5),)


def test_rows_without_numbers_are_passed_over():
    assert learning_curves.parse("step\tauc\n0\tnan\n1\t0.5\nx\t1\n2\n3\t\n4\tinf\n5\t0.") == ((1.0, 0.5), (5.0, 0.0))
    assert learning_curves.parse("") == ()


def test_many_points_are_thinned_without_losing_a_peak():
    points = [(float(step), 0.0) for step in range(10_000)]
    points[777] = (777.0, 9.0)
    points[5_555] = (5_555.0, -9.0)
    found = learning_curves.thinned(points)
    assert len(found) <= learning_curves.MOST_POINTS
    assert {points[777], points[5_555]} <= set(found)
    assert list(found) == sorted(found)
