"""What the batch test promises: alarms about nothing as declared, and what it sees of real changes. Seeds are given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mlgit.monitoring import drift
from mlgit.monitoring.drift import DriftFinding
from mlgit.monitoring.sketch import WindowCounts
from mlgit.statistics import martingale
from tests.kit import FULL
from tests.kit.late import Module
from tests.monitoring import simulated
from tests.monitoring.simulated import Shift

np = Module("numpy")
stats = Module("scipy.stats")

pytestmark = pytest.mark.slow

N_NULLS = 300 if FULL else 30
N_SHIFTS = 200 if FULL else 20
N_YEARS, N_DAYS = (200, 365) if FULL else (1, 60)


def _judged(
    seed: int, *, n_batches: int, day: float, alpha: float = 0.05, shift: Shift | None = None, n_rows: int = 500
) -> DriftFinding:
    rng = np.random.default_rng([seed, n_batches])
    reference = drift.reference(simulated.sketch(simulated.batches(rng, n_batches, 500, day=day)))
    window = simulated.batch(rng, n_rows, day=day, shift=shift)
    return drift.judge(reference, (), window, alpha=alpha, digest=str(seed))


def _within(alarms: int, number: int, *, share: float, level: float = 0.99) -> bool:
    """Whether so many alarms are within what a binomial of this share gives with this chance, at the upper end."""
    return bool(alarms <= stats.binom.ppf(0.5 + level / 2, number, share))


@pytest.mark.parametrize("n_batches", [20, 40])
@pytest.mark.parametrize("day", [0.0, 0.1])
def test_quiet_windows_alarm_as_often_as_declared(n_batches: int, day: float) -> None:
    alarms = sum(_judged(seed, n_batches=n_batches, day=day).word == "watch" for seed in range(N_NULLS))
    assert _within(alarms, N_NULLS, share=0.05)
    assert not FULL or alarms >= stats.binom.ppf(0.005, N_NULLS, 0.05) - 1


def _detected(shift: Shift, *, day: float = 0.0) -> float:
    return sum(_judged(seed, n_batches=40, day=day, shift=shift).word == "watch" for seed in range(N_SHIFTS)) / N_SHIFTS


@pytest.mark.parametrize(
    ("shift", "least"),
    [
        (Shift(n_levels=200, share=0.02), 0.75),
        (Shift(missing=0.9), 1.0),
        (Shift(mean=0.2), 0.5),
        (Shift(deviation=1.3), 0.8),
        (Shift(n_levels=10, share=0.05), 0.5),
        (Shift(mean=1.0), 1.0),
    ],
)
def test_changes_are_seen(shift: Shift, least: float) -> None:
    assert _detected(shift) >= least - (0 if FULL else 0.1 * (least < 1))


def test_change_of_a_column_is_seen_beside_effects_of_days() -> None:
    assert _detected(Shift(mean=1.0), day=0.1) == 1.0


def test_reference_with_a_trend_is_judged_by_what_came_just_before() -> None:
    alarms, local = 0, 0
    for seed in range(N_NULLS // 2):
        rng = np.random.default_rng([seed, 7])
        batches = simulated.batches(rng, 41, 500, means=lambda place: 0.005 * place)
        reference = drift.reference(simulated.sketch(batches[:-1]))
        local += reference.is_local
        alarms += drift.judge(reference, (), batches[-1], alpha=0.05, digest=str(seed)).word == "watch"
    assert local >= 0.95 * (N_NULLS // 2)
    assert _within(alarms, N_NULLS // 2, share=0.06)


def test_reference_that_remembers_yesterday_is_judged_by_what_came_just_before() -> None:
    alarms = 0
    for seed in range(N_NULLS // 2):
        rng = np.random.default_rng([seed, 8])
        means = simulated.autoregressive(rng, 41, weight=0.95, deviation=0.2)
        batches = simulated.batches(rng, 41, 500, means=means.__getitem__)
        reference = drift.reference(simulated.sketch(batches[:-1]))
        alarms += drift.judge(reference, (), batches[-1], alpha=0.05, digest=str(seed)).word == "watch"
    assert _within(alarms, N_NULLS // 2, share=0.08)


def _rising(seed: int, jump: float) -> tuple[list[str], str]:
    """Verdicts about windows whose level rises by half a deviation each, as that of the reference; the last one jumps."""
    rng = np.random.default_rng([seed, 10])
    means = [0.5 * place for place in range(70)]
    means[-1] += jump
    batches = simulated.batches(rng, 70, 300, means=means.__getitem__)
    reference = drift.reference(simulated.sketch(batches[:40]))
    assert reference.is_local
    words, admitted = [], []
    for number, window in enumerate(batches[40:]):
        found = drift.judge(reference, admitted, window, alpha=1 / 52, digest=f"{seed} {number}")
        words.append(found.word)
        admitted += [window] if found.word == "quiet" else []
    return words[:-1], words[-1]


def test_level_that_rises_as_ever_is_quiet_and_a_jump_is_seen_far_out_of_the_cells_of_the_reference() -> None:
    stories = [_rising(seed, 3.0) for seed in range(3)]
    quiet = [word for words, _ in stories for word in words]
    assert quiet.count("watch") <= 6
    assert [last for _, last in stories] == ["watch"] * 3


def test_window_four_batches_long_is_held_against_four_batches_at_a_time() -> None:
    """Effects of days cancel in a longer window, and it is more sure of all others: taken for a batch it would alarm."""
    alarms = 0
    for seed in range(N_NULLS):
        rng = np.random.default_rng([seed, 9])
        reference = drift.reference(simulated.sketch(simulated.batches(rng, 100, 200, day=0.1)), size=4)
        window = _added([simulated.batch(rng, 200, day=0.1) for _ in range(4)])
        alarms += drift.judge(reference, (), window, alpha=0.05, digest=str(seed)).word == "watch"
    assert _within(alarms, N_NULLS, share=0.05)


def _added(parts: list[WindowCounts]) -> WindowCounts:
    rows = sum(each.rows for each in parts)
    sketch = simulated.sketch(parts)
    from mlgit.monitoring import batch_table

    return WindowCounts(rows, {cells.label: counts for cells, counts in batch_table.merged(sketch.columns, size=len(parts))})


def _year(
    seed: int, *, n_batches: int, day: float, shift: Callable[[int], Shift | None] = lambda _: None, days: int = 365
) -> tuple[list[int], int]:
    """The days with a watch alarm, and the first with a page (-1: none), of a year with one false alarm declared."""
    rng = np.random.default_rng([seed, n_batches, 365])
    reference = drift.reference(simulated.sketch(simulated.batches(rng, n_batches, 500, day=day)))
    admitted: list[Any] = []
    pvalues: list[float] = []
    watched: list[int] = []
    for number in range(days):
        window = simulated.batch(rng, 500, day=day, shift=shift(number))
        found = drift.judge(reference, admitted, window, alpha=1 / 365.2425, digest=f"{seed} {number}")
        assert found.conformal_pvalue is not None
        pvalues.append(found.conformal_pvalue)
        if found.word == "watch":
            watched.append(number)
        else:
            admitted.append(window)
        if martingale.capital(pvalues) >= martingale.PAGE:
            return watched, number
    return watched, -1


def test_quiet_year_has_the_alarm_that_was_declared_and_no_page() -> None:
    found = [_year(seed, n_batches=40, day=0.1, days=N_DAYS) for seed in range(N_YEARS)]
    alarms = sum(len(watched) for watched, _ in found)
    if FULL:
        assert alarms / N_YEARS <= 1.2
        assert sum(page >= 0 for _, page in found) / N_YEARS <= 0.01
    else:
        assert alarms <= stats.poisson.ppf(0.995, 1.2 * N_YEARS)


def test_shift_of_two_deviations_is_watched_on_its_day_and_paged_within_two_weeks() -> None:
    for seed in range(20 if FULL else 2):
        watched, page = _year(seed, n_batches=40, day=0.1, shift=lambda day: Shift(mean=2.0) if day >= 30 else None, days=60)
        assert 30 in watched
        assert 30 <= page <= 44


def test_few_batches_cannot_tell() -> None:
    found = _judged(0, n_batches=12, day=0.0)
    assert found.word == "cannot_tell"
    assert found.reason == "12 reference batches, 20 needed"


def test_accepted_windows_make_up_for_batches_that_lack() -> None:
    rng = np.random.default_rng(3)
    reference = drift.reference(simulated.sketch(simulated.batches(rng, 12, 500)))
    admitted = simulated.batches(rng, 8, 500)
    found = drift.judge(reference, admitted, simulated.batch(rng, 500), alpha=0.05, digest="a")
    assert (found.word, found.n_batches) == ("quiet", 20)
    found = drift.judge(reference, admitted, simulated.batch(rng, 500, shift=Shift(mean=1.5)), alpha=0.05, digest="a")
    assert found.word == "watch"


def test_tail_is_told_to_be_extrapolated_and_rank_is_not() -> None:
    assert not _judged(1, n_batches=20, day=0.0).is_extrapolated
    rare = _judged(1, n_batches=20, day=0.0, alpha=0.003)
    assert (rare.is_extrapolated, rare.method) == (True, "gumbel")


def test_smallest_shift_is_seen_in_most_windows_and_half_of_it_is_not() -> None:
    smallest = [_judged(seed, n_batches=40, day=0.0).smallest for seed in range(3)]
    means = [each.mean for each in smallest if each and each.mean]
    assert len(means) == 3
    mean = float(np.median(means))
    assert _detected(Shift(mean=mean)) >= 0.6
    assert _detected(Shift(mean=mean / 3)) < 0.5


def test_verdict_is_the_same_wherever_it_is_given() -> None:
    assert _judged(5, n_batches=20, day=0.1).pvalue == _judged(5, n_batches=20, day=0.1).pvalue
