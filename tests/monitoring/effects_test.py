"""How what moved is put into words."""

from __future__ import annotations

from mlgit.monitoring import effects, sketching
from mlgit.monitoring.sketching import WatchedColumn
from tests.kit.late import Module

np = Module("numpy")


def test_infinities_are_told_in_few_digits() -> None:
    rng = np.random.default_rng(0)
    columns = sketching.counted([WatchedColumn("x", "number")], [{"x": rng.normal(size=400)}])
    values = np.where(np.arange(100) < 10, np.inf, rng.normal(size=100))
    window = sketching.window_counts([each for each, _ in columns], {"x": values}, rows=100)
    (found,) = effects.described(columns, window, scores={"x": 9.0}, importance={})
    assert "e+" in found.effect
    assert len(found.effect) < 40
