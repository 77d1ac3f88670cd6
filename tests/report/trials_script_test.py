"""What the script of the page of trials does in a browser; passed over where there is none."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from mlgit.experiments import comparison
from mlgit.experiments.comparison import TableView
from mlgit.experiments.trial import Trial
from mlgit.report import trials_page
from tests.kit import program

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(BROWSER is None, reason="no Chromium")]

TRIALS = [
    Trial("one", "b", "finished", params={"lr": 0.5, "kind": "tree"}, metrics={"auc": 0.7}),
    Trial("two", "b", "finished", params={"lr": 10.0, "kind": "line"}, metrics={"auc": 0.9}),
    Trial("three", "b", "finished", params={"lr": 2.0, "kind": "tree"}),
]
SEEN = """
var rows = Array.prototype.slice.call(document.querySelectorAll('#trials tbody tr'));
var seen = rows.filter(function (row) { return !row.hidden; }).map(function (row) { return row.cells[0].textContent; });
document.body.textContent = 'SEEN' + JSON.stringify([seen, document.querySelectorAll('g.gone').length]) + 'END';
"""


def seen(tmp_path, actions):
    """The trials that a reader sees after these actions, and how many marks of drawings are hidden."""
    table = comparison.compare(TRIALS, [], view=TableView(), directions={"auc": "higher"}.get)
    page = trials_page.page(table)
    # what a reader does, done by a script of this test, which the page's own policy would not let run
    page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    path = tmp_path / "page.html"
    path.write_text(page.replace("</body>", f"<script>{actions}{SEEN}</script></body>"))
    asked = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom"]
    done = program(tmp_path, [BROWSER, *asked, path.as_uri()])
    return json.loads(re.search(r"SEEN(.*?)END", done.out)[1])


def click(column):
    return f"document.querySelectorAll('#trials th button')[{column}].click();"


def search(text):
    return (
        f"var field = document.getElementById('filter'); field.value = {json.dumps(text)};"
        "field.dispatchEvent(new Event('input'));"
    )


def test_columns_sort_as_numbers_with_what_is_missing_last(tmp_path):
    lr = 2
    assert seen(tmp_path, "")[0] == ["two *", "one", "three"]
    assert seen(tmp_path, click(lr))[0] == ["two *", "three", "one"]
    assert seen(tmp_path, click(lr) * 2)[0] == ["one", "three", "two *"]
    assert seen(tmp_path, click(1) * 2)[0] == ["one", "two *", "three"]


def test_rows_and_their_marks_are_filtered(tmp_path):
    assert seen(tmp_path, search("tree"))[0] == ["one", "three"]
    rows, hidden = seen(tmp_path, search("lr > 1 and auc >= 0.9"))
    assert rows == ["two *"]
    assert hidden > 0
    assert seen(tmp_path, search("kind = tree and three"))[0] == ["three"]
    assert seen(tmp_path, search("tree") + search(""))[1] == 0


def test_policy_of_the_page_lets_its_own_script_run(tmp_path):
    table = comparison.compare(TRIALS, [], view=TableView(), directions={}.get)
    (tmp_path / "page.html").write_text(trials_page.page(table))
    asked = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom"]
    done = program(tmp_path, [BROWSER, *asked, (tmp_path / "page.html").as_uri()])
    assert done.out.count('<button type="button">') == 4
