"""Tables of trials as text for people and for programs."""

from __future__ import annotations

import csv
import io
import json
import math

from mlgit.experiments import comparison, table_text
from mlgit.experiments.comparison import TableView
from mlgit.experiments.trial import Trial

BASE = Trial("main", "b", "finished", commit="b", params={"a": 1}, metrics={"auc": 0.5})


def table(*trials, baselines=(BASE,), **view):
    return comparison.compare(trials, baselines, view=TableView(**view), directions={"auc": "higher"}.get)


def made(name="one", *, auc=0.9, **params):
    return Trial(name, "b", "finished", commit="c", params={"a": 1, **params}, metrics={"auc": auc})


def test_numbers_that_json_lacks_are_texts():
    found = table(made(auc=math.nan, low=-math.inf, deep=[{"x": math.inf}]))
    (row,) = table_text.document(found)["experiments"]
    assert row["metrics"] == {"auc": "NaN"}
    assert row["params"] == {"a": 1, "low": "-Infinity", "deep": [{"x": "Infinity"}]}
    json.dumps(table_text.document(found), allow_nan=False)


def test_values_read_alike_everywhere():
    found = table(made(flag=True, none=None, words="a|b", rows=[1, 2], small=1e-7))
    cells = {each.label: table_text.cell(each.value(found.trials[0])) for each in found.columns}
    assert cells == {"auc": "0.9", "flag": "true", "none": "null", "words": "a|b", "rows": "[1, 2]", "small": "1e-07"}
    assert table_text.cell((False, None)) == "-"


def test_text_of_a_repository_is_shown_and_not_obeyed():
    hostile = "a\x1b[31m|<b>`\n"
    found = table(Trial(hostile, "b", "failed", params={hostile: hostile}, message=hostile, notes=(hostile,)))
    shown = table_text.table(found, color=False)
    assert "\x1b" not in shown
    assert "\\x1b[31m" in shown
    assert all("\x1b" not in line for line in table_text.name_lines(found.trials))
    md = table_text.markdown(found)
    assert "<b>" not in md
    assert "\x1b" not in md


def test_csv_begins_no_cell_with_a_formula():
    found = table(Trial("=1+1", "b", "finished", params={"a": "@x", "b": -1.5, "c": "-x"}), baselines=())
    (row,) = csv.DictReader(io.StringIO(table_text.comma_separated(found)))
    assert (row["name"], row["a"], row["b"], row["c"]) == ("'=1+1", "'@x", "-1.5", "'-x")


def test_columns_that_do_not_fit_are_counted():
    found = table(made(**{f"parameter{number}": number for number in range(9)}))
    shown = table_text.table(found, columns=60)
    assert all(len(line) <= 60 for line in shown.split("\n")[:3])
    assert "columns not shown, for want of room" in shown


def test_marks_are_explained_below():
    other = Trial("two", "b", "failed", message="train: exit code 1\nmore", params={"a": 1})
    told = list(table_text.notes(table(made(b=2), other, condition="")))
    assert "* best auc (higher is better)" in told
    assert "two failed: train: exit code 1" in told
    assert any(each.startswith("the same in all rows: a=1") for each in told)


def test_many_trials_with_notes_are_cut_short():
    trials = [Trial(f"t{number}", "b", "finished", notes=("gone",)) for number in range(8)]
    told = list(table_text.notes(table(*trials)))
    assert sum(each.endswith(": gone") for each in told) == 5
    assert told[-1] == "3 more trials could not be read whole: --json tells why"
