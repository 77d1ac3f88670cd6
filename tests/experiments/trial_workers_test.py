"""Workers of trials: what may start over all of them."""

from __future__ import annotations

import time

from mlgit.experiments.trial_workers import TrialWorkers
from mlgit.pipeline.stage_options import PLAIN


def answers(work, admission):
    """A worker that asks for the result that it is given, and gives the answers; it makes what it is given leave for."""
    told = [admission.ask("s", key=work["key"], wanted=PLAIN, again=False)]
    if not told[-1]:
        told.append(admission.ask("s", key=work["key"], wanted=PLAIN, again=True))
    if told[-1]:
        admission.ended("s")
        admission.recorded(work["key"])
    return told


def results(workers, *works):
    """What came of works, one after the other."""
    found = []
    for work in works:
        workers.begin(work)
        deadline = time.monotonic() + 30
        while workers.busy and time.monotonic() < deadline:
            found += [each.result for each in workers.wait(0.1)]
    return found


def test_result_that_another_trial_made_between_look_and_question_is_looked_for_again():
    workers = TrialWorkers(1, answers, slots=1, totals={})
    try:
        assert results(workers, {"key": "k"}, {"key": "k"}, {"key": "other"}, {"key": ""}) == [
            [True],
            [False, True],
            [True],
            [True],
        ]
    finally:
        workers.stop()
