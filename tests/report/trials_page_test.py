"""The page of trials: what is drawn, what is told, and that nothing of a repository is taken for markup."""

from __future__ import annotations

import base64
import hashlib
import random
import re
from html.parser import HTMLParser

import pytest

from mlgit.experiments import comparison
from mlgit.experiments.comparison import TableView
from mlgit.experiments.learning_curves import TrialCurve
from mlgit.experiments.trial import Trial, TrialFacts
from mlgit.report import parallel_figure, scatter_figure, trial_axes, trials_page, trials_script

BASE = Trial("main", "b", "finished", commit="b", params={"lr": 0.1, "kind": "tree"}, metrics={"auc": 0.8})


def made(number_of, *, name="trial-{}"):
    rng = random.Random(7)
    return [
        Trial(
            name.format(at),
            "b",
            "finished",
            ref=f"r{at}",
            commit=f"c{at}",
            params={"lr": 10 ** rng.uniform(-4, 0), "kind": rng.choice(["tree", "line"])},
            metrics={"auc": rng.random()},
            facts=TrialFacts(seconds=1.5),
        )
        for at in range(number_of)
    ]


def table(trials, **view):
    return comparison.compare(trials, [BASE], view=TableView(**view), directions={"auc": "higher"}.get)


class Texts(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.tags, self.scripts = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def test_same_trials_give_the_same_bytes():
    assert trials_page.page(table(made(9))) == trials_page.page(table(made(9)))


def test_browser_runs_the_one_script_and_asks_no_network():
    page = trials_page.page(table(made(3)))
    digest = base64.b64encode(hashlib.sha256(trials_script.SCRIPT.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page
    assert f"<script>{trials_script.SCRIPT}</script>" in page
    assert page.count("<script") == 1
    assert "default-src 'none'" in page
    assert not re.search(r"""(?:src|href|url)\s*[=(]\s*["']?(?:https?:)?//""", page)


def test_nothing_of_a_repository_is_taken_for_markup():
    hostile = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    trials = [
        Trial(f"{hostile}{at}", "b", "finished", params={hostile: f"{hostile}{at}"}, metrics={"auc": at / 3}, notes=(hostile,))
        for at in range(3)
    ]
    curves = [TrialCurve(hostile, 1, hostile, ((0, 1), (1, 2)))]
    page = trials_page.page(table(trials), curves=curves, told=[hostile])
    assert page.count("<script") == page.count("</script") == 1
    found = Texts(page)
    assert "img" not in {tag for tag, _ in found.tags}
    assert not any(name.startswith("on") for _, attributes in found.tags for name in attributes)


def test_best_and_baseline_stand_out_by_more_than_colour():
    drawn = parallel_figure.figure(table(made(5)))
    assert drawn.count("stroke-dasharray") == 1
    assert drawn.count('stroke-width="3.5"') == 1
    assert "The thick line is the best by auc" in drawn


def test_axis_of_numbers_far_apart_goes_by_powers_and_words_stand_side_by_side():
    lr, kind, auc = trial_axes.axes(table(made(40)), most=5)
    assert (lr.column.name, lr.is_by_powers) == ("lr", True)
    assert kind.words == ("line", "tree")
    assert (auc.column.name, auc.is_by_powers) == ("auc", False)
    assert all(-1e-9 <= place <= 1 + 1e-9 for each in (lr, kind, auc) for place, _ in each.marks())


def test_many_trials_are_sampled_and_that_is_told():
    found = table(made(4000))
    lines = parallel_figure.figure(found)
    assert lines.count("<g class=") == parallel_figure.MOST_LINES + 1
    assert "the first 200 in order, and 200 spread over the other 3800" in lines
    assert "1000 trials of 4000 are drawn" in scatter_figure.figures(found)
    page = trials_page.page(found)
    assert page.count("<tr") == trials_page.MOST_ROWS + 1
    assert f"The first {trials_page.MOST_ROWS} trials" in page


def test_values_that_no_scale_can_hold_are_not_drawn():
    odd = [
        Trial(f"t{at}", "b", "finished", params={"a": 1e308 * (-1) ** at, "b": 10**400 + at}, metrics={"auc": at})
        for at in range(3)
    ]
    page = trials_page.page(comparison.compare(odd, [], view=TableView(), directions={}.get))
    assert "3 trials as lines through b, auc." in page


def test_curves_are_drawn_with_a_legend():
    curves = [TrialCurve(f"trial-{at}", at, "loss", tuple((step, 1 / (step + 1)) for step in range(9))) for at in range(3)]
    page = trials_page.page(table(made(3)), curves=curves)
    assert page.count('<li data-trial="') == 3
    assert "loss over steps of 3 trials" in page


def test_table_without_trials_is_a_page():
    assert "0 trials of main" in trials_page.page(table([]))


@pytest.mark.parametrize(
    "values", [(0.0, 5e-324), (-1e308, 1e308), (1e-320, 1.0), (-1e-300, 1e-300), (1e15, 1e15 + 1), (5e-324, 5e-324)]
)
def test_ends_of_a_scale_that_no_one_foresees_are_drawn_or_left_out(values):
    trials = [Trial(f"t{at}", "b", "finished", params={"x": each}, metrics={"auc": at}) for at, each in enumerate(values)]
    curve = TrialCurve("t0", 0, "loss", tuple(enumerate(values)))
    page = trials_page.page(table(trials), curves=[curve])
    assert "nan" not in re.sub(r"<script>.*</script>", "", page, flags=re.DOTALL)
    assert "All trials" in page
