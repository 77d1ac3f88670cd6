"""Text for people: what a terminal and a Markdown page show, whatever a repository holds."""

from __future__ import annotations

import re
import unicodedata
from html import unescape

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from mlgit import render
from mlgit.cards.prose import prose
from mlgit.report import markdown

ANY_TEXT = st.text(max_size=30)
# Characters that mean something to Markdown or GitHub, with some that do not.
MARKUP = st.text(st.sampled_from("\\`*_{}[]()#+-=!|~$:@<>&\"'.1 aw\t\nhGH/\r\x1b\u202e\u200b"), max_size=20)


@pytest.mark.parametrize(("style", "code"), [("bold", "1"), ("red", "31")])
def test_paint_wraps_text_in_a_style(style, code):
    assert render.paint("x", style, color=True) == f"\x1b[{code}mx\x1b[0m"


def test_paint_without_color_is_the_text():
    assert render.paint("x", "red", color=False) == "x"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 日 \t.", "plain é 日 \t."),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb\r", "a\\nb\\r"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\udcff", "\\udcff"),
        ("\u2028\u2029\x85", "\\u2028\\u2029\\x85"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
    ],
)
def test_plain_shows_control_characters(text, shown):
    assert render.plain(text) == shown


@given(st.text(st.characters(), max_size=30))
def test_plain_is_one_line_that_any_terminal_can_print(text):
    shown = render.plain(text)
    assert len(shown.splitlines()) <= 1
    assert not [char for char in shown if char != "\t" and unicodedata.category(char)[0] == "C"]


@pytest.mark.parametrize(
    ("text", "columns"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("ﾊ", 1), ("é", 1), ("☂\ufe0f", 1), ("", 0)]
)
def test_width_counts_columns(text, columns):
    assert render.width(text) == columns


def test_table_aligns_columns_of_any_script():
    assert render.table(("name", "n"), [("日本", "1"), ("abcdef", "22")], right=[1]) == "name     n\n日本     1\nabcdef  22"


@given(st.lists(st.tuples(ANY_TEXT, ANY_TEXT), max_size=5))
def test_table_has_one_line_per_row(rows):
    assert len(render.table(("a", "b"), rows).split("\n")) == len(rows) + 1


def test_table_without_rows_is_its_header():
    assert render.table(("a", "b"), []) == "a  b"


def test_markdown_table_escapes_every_cell():
    text = render.markdown_table(("a|b", "n"), [("x|y\nz", "1")], right=[1])
    assert text == "| a&#124;b | n |\n| --- | ---: |\n| x&#124;y\\\\nz | 1 |"


MARKDOWN = MarkdownIt("commonmark").enable("table").enable("strikethrough")


def words_of(html):
    """The text of HTML made of nothing but one paragraph; None when there is any other markup."""
    found = re.fullmatch(r"<p>([^<]*)</p>\n", html)
    return unescape(found[1]).replace("\u200b", "") if found else None


@pytest.mark.parametrize(
    "text",
    [
        "# title",
        "* item",
        "- item",
        "+ item",
        "1. item",
        "12) item",
        "    code",
        "\tcode",
        "> quote",
        "---",
        "===",
        "```",
        "~~~",
        "a\n# b",
    ],
)
def test_block_markup_stays_text(text):
    assert words_of(MARKDOWN.render(render.markdown_text(text))) is not None


@pytest.mark.parametrize(
    "text",
    [
        "*a*",
        "__a__",
        "`a`",
        "[a](b)",
        "![a](b)",
        "<b>",
        "<a@b.c>",
        "<https://a.b>",
        "&lt;",
        "~~a~~",
        "\\*a",
        "a  \nb",
        "<!-- a -->",
    ],
)
def test_inline_markup_stays_text(text):
    assert words_of(MARKDOWN.render(render.markdown_text(text))) == render.plain(text)


@given(MARKUP)
def test_no_markup_survives(text):
    shown = render.plain(text)
    assert words_of(MARKDOWN.render("x " + render.markdown_text(text) + " x")) == f"x {shown} x"


@given(MARKUP.filter(lambda text: text.strip()))
def test_no_markup_survives_at_the_start_of_a_line(text):
    found = words_of(MARKDOWN.render(render.markdown_text(text)))
    assert found is not None
    assert found.split() == render.plain(text).split()


@given(st.lists(st.tuples(MARKUP, MARKUP), min_size=1, max_size=3))
def test_cells_of_a_markdown_table_stay_in_their_places(rows):
    html = MARKDOWN.render(render.markdown_table(("a", "b"), rows))
    cells = [unescape(cell).replace("\u200b", "").split() for cell in re.findall(r"<td>([^<]*)</td>", html)]
    assert cells == [render.plain(cell).split() for row in rows for cell in row]


# What GitHub, GitLab, Gitea, or a Markdown library that looks for links, finds in the finished text.
FOUND = (
    r"[a-z][a-z0-9+.-]*:/|//",
    r"\b(?:mailto|xmpp|tel|sms|magnet|javascript|data|file):\S",
    r"\bwww\.",
    r"[A-Za-z0-9._%+-]@\w",
    r"(?<![A-Za-z0-9])@\w",
    r"#\d",
    r"(?<![a-z0-9])gh-\d",
    r"[!&$]\d",
    r"(?<![a-z0-9])%[a-z0-9\"]",
    r"~[a-z0-9\"]",
    r"\[\[",
    r":[a-z0-9_+-]+:",
)
ALIVE = (
    *(
        "@ada",
        "(@ada)",
        "see @org/team",
        "a @b @c",
        "_@ada_",
        "@v1.2.3",
        "ada@example.com",
        "a_@_b.example",
        "a.b+c@x.y",
        "me@v1",
    ),
    *("#12", "org/repo#12", "GH-12", "gh-7", "(#3)", "\\#3", "group/project!7", "!7", "$5", "&9", "%3", '%"v 1"', "~4", "~bug"),
    *(
        "https://evil.example",
        "HTTP://evil.example",
        "ftp://e.x",
        "smb://e.x/y",
        "odd+x.1://e",
        "a:https://b.c",
        "(http://a.b)",
    ),
    *("https://github.com/o/r/issues/3", "https://user@evil.example/", "<https://a.b>", "[x](https://a.b)", "![x](http://a.b)"),
    *("www.evil.example", "WWW.evil.example", "_www.evil.example", "(www.evil.example", "*www.e.x*"),
    *(
        "mailto:a@b.c",
        "MAILTO:ada",
        "xmpp:a@b.c/room",
        "(xmpp:a@b",
        "tel:+1",
        "sms:1",
        "magnet:?x",
        "javascript:alert(1)",
        "data:x,y",
    ),
    *("[[x|https://evil.example]]", "[[page]]", ":smile:", ":+1:", ":-1:", ":100:", ":a_b:", "jlord@a5c3785ed8d6a35868bc169f"),
    *("$x$", "$$x$$", "[^1]", "[^1]: note", "<!-- x -->", "[ref]: https://e.x"),
)


@pytest.mark.parametrize("text", ALIVE)
@pytest.mark.parametrize("written", [render.markdown_text, prose, markdown._escaped])
def test_finished_text_holds_no_link_mention_or_reference(text, written):
    """As a reader sees it, and with what a reader does not see, every text is what it was; nothing is found in it."""
    if written is prose and text[0] in "[_*":
        return  # a link or an emphasis that a person has written
    shown = words_of(MARKDOWN.render(f"x {written(text)} x"))
    assert shown == f"x {text} x"
    finished = unescape(re.sub(r"<[^>]*>", "", MARKDOWN.render(f"x {written(text)} x")))
    assert [pattern for pattern in FOUND if re.search(pattern, finished, re.IGNORECASE)] == []


@pytest.mark.parametrize(
    "text", ["12:30:45", "a: b", "models:churn", "5 % of a", "a & b", "x != y", "p@ q", "f1 (↑)", "a/b", "C++", "~ 5"]
)
def test_ordinary_text_can_be_copied(text):
    assert "&#8203;" not in render.markdown_text(text)


def test_tag_of_a_version_can_be_copied_from_the_page():
    assert words_of(MARKDOWN.render(render.markdown_text("tumor@v1.2.0"))) == "tumor@v1.2.0"
    assert "&#8203;" not in render.markdown_text("tumor@v1.2.0")


def code_of(html):
    """The text of the one code span in HTML that is nothing else; None where there is more or other markup."""
    found = re.fullmatch(r"(?:<p>x |<td>)<code>([^<]*)</code>(?: x</p>\n|</td>)", html.replace("<!-- -->", ""))
    return unescape(found[1]) if found else None


@given(MARKUP)
@example("``a` b`")
@example("ndcg@10")
@example("see @ada, #12, GH-7 and :smile:")
@example("a|b\\|c")
@example("$`x`$")
def test_code_is_copied_from_the_page_as_it_is(text):
    """Also in a cell of a table, where a bar would end it."""
    shown = render.code_span(text)
    assert code_of(MARKDOWN.render(f"x {shown} x")) == render.plain(text)
    cell = re.search(r"<td>.*</td>", MARKDOWN.render(f"| a |\n| --- |\n| {shown} |\n"))
    assert cell
    assert code_of(cell[0]) == render.plain(text)


@pytest.mark.parametrize("text", ["@dependabot rebase", "/deploy @ada", "<!-- mlgit:report -->", "a`@ada"])
def test_source_of_code_commands_no_bot(text):
    assert "@" not in render.code_span(text)
    assert not render.code_span(text).startswith("/")
    assert "<!-- m" not in render.code_span(text)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.1 + 0.2, "0.3"),
        (3, "3"),
        (3.0, "3"),
        (123456789, "123456789"),
        (1e-9, "1e-09"),
        (float("nan"), "nan"),
        (True, "True"),
        ("x", "x"),
    ],
)
def test_number_has_six_digits_at_most(value, shown):
    assert render.number(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(0.5, "+0.5"), (-0.5, "-0.5"), (0, "0"), (-0.0, "0"), (float("nan"), "nan"), (2, "+2")]
)
def test_signed_shows_the_direction(value, shown):
    assert render.signed(value) == shown


@pytest.mark.parametrize(
    ("n_bytes", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "0.977 KiB"),
        (1024, "1 KiB"),
        (1_023_999, "0.977 MiB"),
        (5 << 30, "5 GiB"),
        (3 << 50, "3072 TiB"),
    ],
)
def test_size_is_in_powers_of_1024(n_bytes, shown):
    assert render.size(n_bytes) == shown


@given(st.integers(0, 1 << 62))
def test_size_is_never_written_with_an_exponent(n_bytes):
    assert re.fullmatch(r"\d+(\.\d+)? (B|[KMGT]iB)", render.size(n_bytes))


@pytest.mark.parametrize(
    ("duration", "shown"),
    [
        (0.004, "0.00 s"),
        (0.42, "0.42 s"),
        (9.994, "9.99 s"),
        (9.996, "10.0 s"),
        (12.34, "12.3 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (185, "3 min 05 s"),
        (3599.6, "1 h 00 min"),
        (7450, "2 h 04 min"),
    ],
)
def test_seconds_are_said_as_people_do(duration, shown):
    assert render.seconds(duration) == shown


def test_count_uses_the_plural():
    assert [render.count(number, "stage") for number in (0, 1, 2)] == ["0 stages", "1 stage", "2 stages"]
