"""`mlgit report`: what CI left, shown on a laptop."""

from __future__ import annotations

import pytest

from mlgit.report import document, html, markdown
from tests.report.samples import FULL

LEFT = "mlgit-report/report.json"


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / LEFT
    path.parent.mkdir()
    path.write_text(document.to_json(FULL))
    return tmp_path


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ((), markdown.comment(FULL)),
        (("--format", "html"), html.page(FULL)),
        (("--format", "json"), document.to_json(FULL) + "\n"),
        (("--json",), document.to_json(FULL) + "\n"),
        ((LEFT,), markdown.comment(FULL)),
    ],
)
def test_it_prints_what_ci_left(folder, cli, options, text):
    shown = cli(folder, "report", *options)
    assert (shown.code, shown.out) == (0, text)


def test_it_writes_a_file(folder, cli):
    shown = cli(folder, "report", "--format", "html", "-o", "review.html")
    assert (shown.code, shown.out) == (0, "")
    assert (folder / "review.html").read_text() == html.page(FULL)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"{}", "'schema' is missing"),
        (b"{", "not JSON"),
        (b"\xff", "not UTF-8"),
        (b" " * (document.MAX_BYTES + 50), "not a report of mlgit"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"schema": 1, "schema": 1}', "a key is there twice"),
    ],
)
def test_what_mlgit_did_not_write_is_refused(folder, cli, content, told):
    (folder / LEFT).write_bytes(content)
    shown = cli(folder, "report")
    assert shown.code == 2
    assert told in shown.err
    assert LEFT in shown.err
    assert "Traceback" not in shown.err


@pytest.mark.parametrize("name", ["none.json", ""])
def test_what_is_no_file_is_an_error_with_a_way_on(tmp_path, cli, name):
    shown = cli(tmp_path, "report", str(tmp_path / name))
    assert shown.code == 2
    assert "`mlgit ci run` writes one" in shown.err
