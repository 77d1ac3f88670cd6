"""Plots: right points, valid and accessible SVG, the same bytes for the same numbers."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.cards import curves, plots
from mlgit.cards.card import build
from tests.cards.kit import BINARY, material, table
from tests.kit.contrast import blended, schemes, worst

_rows = st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0])), min_size=2, max_size=40)
HOSTILE = "<script>\x00&\"'"


@given(_rows)
def test_roc_has_the_corners_and_area_of_scikit_learn(rows):
    from sklearn import metrics

    truth, score = [row[0] for row in rows], [row[1] for row in rows]
    points = curves.roc(truth, score)
    if len(set(truth)) < 2:
        assert points == []
        return
    across, up, _ = metrics.roc_curve(truth, score, drop_intermediate=False)
    expected = curves.corners(list(zip(across.tolist(), up.tolist(), strict=True)))
    assert [pytest.approx(point) for point in points] == expected
    assert metrics.auc([x for x, _ in points], [y for _, y in points]) == pytest.approx(metrics.roc_auc_score(truth, score))


@given(_rows)
def test_calibration_bins_hold_every_row_once(rows):
    truth, score = [row[0] for row in rows], [row[1] for row in rows]
    bins = curves.calibration(truth, score)
    assert sum(each.rows for each in bins) == len(rows)
    assert sum(each.share * each.rows for each in bins) == pytest.approx(sum(truth))
    assert sum(each.score * each.rows for each in bins) == pytest.approx(sum(score))


def test_confusion_counts_truth_in_rows_and_orders_numbers_by_size():
    classes, counts = curves.confusion(["10", "9", "9", "x"], ["9", "9", "10", "x"])
    assert (classes, counts) == (["9", "10", "x"], [[1, 1, 0], [1, 0, 0], [0, 0, 1]])


def test_of_very_many_residuals_evenly_chosen_ones_are_drawn():
    points = curves.residuals([float(number) for number in range(10_000)], [0.5 * number for number in range(10_000)])
    assert len(points) == 400
    assert points[0] == (0.0, 0.0)
    assert points[-1] == (0.5 * 9975, 0.5 * 9975)


DRAWN = {
    "roc": plots.roc([(0.0, 0.0), (0.1, 0.9), (1.0, 1.0)], area=0.9),
    "calibration": plots.calibration([curves.Bin(0.1, 0.2, 5), curves.Bin(0.9, 0.8, 3)]),
    "confusion": plots.confusion(["a", HOSTILE], [[3, 1], [0, 0]]),
    "residuals": plots.residuals([(1.0, 0.5), (2.0, -0.5)]),
    "one residual": plots.residuals([(1.0, 0.0)]),
}


@pytest.mark.parametrize("name", DRAWN)
def test_plot_is_sound_svg_with_title_and_description(name):
    root = ElementTree.fromstring(DRAWN[name])
    space = "{http://www.w3.org/2000/svg}"
    assert root.tag == f"{space}svg"
    assert root.get("role") == "img"
    assert root.find(f"{space}title").text
    assert len(root.find(f"{space}desc").text) > 10
    assert "prefers-color-scheme:dark" in root.find(f"{space}style").text
    assert not list(root.iter(f"{space}script"))
    assert "nan" not in DRAWN[name]
    assert "inf" not in DRAWN[name].replace("info", "")


@pytest.mark.parametrize("name", DRAWN)
def test_plot_can_be_read_in_light_and_dark(name):
    for colours in schemes(DRAWN[name]):
        cell = blended(colours[".c"], colours["paper"], 0.6)
        assert worst([(colours["text"], colours["paper"]), (colours["text"], cell)]) >= 4.5
        assert worst([(colours[line], colours["paper"]) for line in (".l", ".d", ".a")]) >= 3


def test_calibration_tells_how_many_rows_each_range_of_scores_has():
    assert [each for each in re.findall(r">([^<]+)</text>", DRAWN["calibration"]) if each in ("5", "3")] == ["5", "3"]
    assert ">12.3k<" in plots.calibration([curves.Bin(1.0, 1.0, 12_345)])


def test_last_bit_of_a_number_does_not_change_a_plot():
    nudged = [(0.0, 0.0), (0.1 + 1e-15, 0.9 - 1e-15), (1.0, 1.0)]
    assert plots.roc(nudged, area=0.9 + 1e-15) == DRAWN["roc"]


def test_classification_of_many_classes_has_a_confusion_matrix_only():
    card = build(material(predictions=table(["a", "b", "c"], ["a", "c", "c"], [0.1, 0.5, 0.2])))
    assert list(card.files) == ["cards/churn.md", "cards/churn/confusion.svg"]
    assert list(build(material(predictions=BINARY)).files)[1:] == [
        f"cards/churn/{name}.svg" for name in ("roc", "calibration", "confusion")
    ]
