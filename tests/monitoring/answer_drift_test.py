"""Drift of answers: judged beside windows that were quiet, and told until there are enough of them."""

from __future__ import annotations

from typing import Any

from mlgit.monitoring import answer_drift, sketching
from mlgit.monitoring.sketch import WindowCounts
from mlgit.monitoring.verdict import PREDICTION, SCORE
from tests.kit.late import Module

np = Module("numpy")


def _answers(rng: Any, *, share: float = 0.3) -> tuple[Any, Any]:
    score = np.clip(rng.normal(share, 0.1, 300), 0, 1)
    return np.where(rng.random(300) < share, "yes", "no").astype(object), score


def _window(columns: Any, prediction: Any, score: Any) -> WindowCounts:
    table = {PREDICTION: prediction, SCORE: score}
    return sketching.window_counts([cells for cells, _ in columns], table, rows=300)


def _judged(n_admitted: int, share: float) -> answer_drift.AnswerDrift:
    rng = np.random.default_rng(0)
    columns = answer_drift.columns_of(*_answers(rng), rows=300)
    admitted = [_window(columns, *_answers(rng)) for _ in range(n_admitted)]
    window = _window(columns, *_answers(rng, share=share))
    return answer_drift.judge(columns, admitted, window, alpha=0.025, digest="a")


def test_answers_that_moved_alarm_once_there_are_windows_to_hold_them_against() -> None:
    found = _judged(40, 0.6)
    assert found.finding is not None
    assert found.finding.word == "watch"
    assert {each.name for each in found.columns} == {"(prediction)", "(score)"}
    assert any("'yes' 3" in each.effect for each in found.columns)


def test_answers_that_stayed_are_quiet() -> None:
    found = _judged(40, 0.3)
    assert found.finding is not None
    assert found.finding.word == "quiet"


def test_answers_are_only_described_beside_those_at_release_while_windows_are_few() -> None:
    found = _judged(19, 0.6)
    assert found.finding is None
    assert any(each.effect for each in found.columns)


def test_model_without_recorded_answers_has_nothing_to_tell() -> None:
    window = WindowCounts(300, {})
    assert answer_drift.judge((), [window] * 30, window, alpha=0.05, digest="a").columns == ()


def test_amounts_are_numbers_and_classes_are_levels() -> None:
    kinds = [
        columns[0][0].kind
        for values in (np.array([1.5, 2.0]), np.array([0, 1]), np.array([0.0, 1.0]))
        for columns in [answer_drift.columns_of(values, None, rows=2)]
    ]
    assert kinds == ["number", "category", "category"]
