"""Text from a repository in Markdown: words and code, and never markup, whatever it holds."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from mlgit.render.markdown import code_span, comment_text, link_target, markdown_table, markdown_text, readable
from mlgit.render.prose import prose
from mlgit.render.text import plain

ANY_TEXT = st.text(max_size=30)
# Characters that mean something to Markdown or GitHub, with some that do not.
MARKUP = st.text(st.sampled_from("\\`*_{}[]()#+-=!|~$:@<>&\"'.1 aw\t\nhGH/\r\x1b\u202e\u200b"), max_size=20)


def test_markdown_table_escapes_every_cell():
    text = markdown_table(("a|b", "n"), [("x|y\nz", "1")], right=[1])
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
    assert words_of(MARKDOWN.render(markdown_text(text))) is not None


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
    assert words_of(MARKDOWN.render(markdown_text(text))) == plain(text)


@given(MARKUP)
def test_no_markup_survives(text):
    shown = plain(text)
    assert words_of(MARKDOWN.render("x " + markdown_text(text) + " x")) == f"x {shown} x"


@given(MARKUP.filter(lambda text: text.strip()))
def test_no_markup_survives_at_the_start_of_a_line(text):
    found = words_of(MARKDOWN.render(markdown_text(text)))
    assert found is not None
    assert found.split() == plain(text).split()


@given(st.lists(st.tuples(MARKUP, MARKUP), min_size=1, max_size=3))
def test_cells_of_a_markdown_table_stay_in_their_places(rows):
    html = MARKDOWN.render(markdown_table(("a", "b"), rows))
    cells = [unescape(cell).replace("\u200b", "").split() for cell in re.findall(r"<td>([^<]*)</td>", html)]
    assert cells == [plain(cell).split() for row in rows for cell in row]


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
@pytest.mark.parametrize("written", [markdown_text, prose, comment_text])
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
    assert "&#8203;" not in markdown_text(text)


def test_tag_of_a_version_can_be_copied_from_the_page():
    assert words_of(MARKDOWN.render(markdown_text("tumor@v1.2.0"))) == "tumor@v1.2.0"
    assert "&#8203;" not in markdown_text("tumor@v1.2.0")


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
    shown = code_span(text)
    assert code_of(MARKDOWN.render(f"x {shown} x")) == plain(text)
    cell = re.search(r"<td>.*</td>", MARKDOWN.render(f"| a |\n| --- |\n| {shown} |\n"))
    assert cell
    assert code_of(cell[0]) == plain(text)


@pytest.mark.parametrize("text", ["@dependabot rebase", "/deploy @ada", "<!-- mlgit:report -->", "a`@ada"])
def test_source_of_code_commands_no_bot(text):
    assert "@" not in code_span(text)
    assert not code_span(text).startswith("/")
    assert "<!-- m" not in code_span(text)


@pytest.mark.parametrize("path", ["a b.svg", "a>b", "a<b>c", "a\\>b", "(a)"])
def test_path_stays_the_whole_target_of_its_link(path):
    link = MARKDOWN.parseInline(f"[x](<{link_target(path)}>)")[0].children[0]
    assert unquote(link.attrs["href"]) == path


@pytest.mark.parametrize(
    ("text", "shown"),
    [("plain words", "plain words"), ("a_b@v1.0.0", "`a_b@v1.0.0`"), ("*a*", "\\*a\\*"), ("<script>", "&lt;script&gt;")],
)
def test_readable_shows_a_name_as_code_where_escapes_would_be_in_its_way(text, shown):
    assert readable(text) == shown
