"""What people write stays what it may be: paragraphs, lists, emphasis and links to the web, by a Markdown parser's word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from mlgit.render.prose import prose

ALLOWED = {
    *("paragraph_open", "paragraph_close", "inline", "text", "softbreak", "hardbreak", "em_open", "em_close", "strong_open"),
    *("strong_close", "bullet_list_open", "bullet_list_close", "ordered_list_open", "ordered_list_close", "list_item_open"),
    *("list_item_close", "link_open", "link_close", "text_special", "code_inline"),
}
PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def tokens(markdown):
    """All tokens of a document, those inside lines too."""
    return [each for token in PARSER.parse(markdown) for each in (token, *(token.children or ()))]


def kinds(markdown):
    return {each.type for each in tokens(markdown)}


def words(markdown):
    return "".join(each.content for each in tokens(markdown) if each.type in ("text", "text_special", "code_inline"))


HOSTILE = [
    "<script>alert(1)</script>",
    "a <img src=x onerror=alert(1)> b",
    "<!-- hidden",
    "![x](https://example.com/x.png)",
    "[x](javascript:alert(1))",
    "[x](data:text/html;base64,AAAA)",
    "[x](JAVASCRIPT&colon;alert(1))",
    "<javascript:alert(1)>",
    "[x]: javascript:alert(1)\n\n[x]",
    "# Evaluation",
    "   ## Evaluation",
    "Evaluation\n===",
    "Evaluation\n---",
    "---\nlicense: mit\n---",
    "***",
    "* * *",
    "    code",
    "\tcode",
    "```\ncode\n```",
    "~~~\ncode",
    "`code`",
    "`<b>` `` `x`<b>`` `a``b`",
    "`a\\`<b>`",
    "\\`<b>`",
    "`<b>",
    "[`](https://example.com/`)<b>`",
    "> quoted",
    "a | b\n--|--\n1 | 2",
    "| a |\n|:-:|",
    "a\n:-|-:",
    "- # Heading in a list",
    "- - - a",
    "1. # x",
    "+ ---",
    "* ```",
    "- > x",
    "-     code in an item",
    "- a\n\n      code",
    "\\<b>",
    "&lt;b&gt; &#60;b&#62;",
    "a  \n# b",
    "\u2028# x",
    "a\x0b# b\x85# c",
    "~~gone~~",
    "[a](https://example.com/)](javascript:b)",
    "[a](https://example.com/\"onclick='x')",
    "1) # a",
    "- 1. # a",
    "- + # a",
    "-\n  # a",
    "-\t# a",
    "12. ***",
    "- ===",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_but_text_lists_emphasis_and_web_links_comes_out(text):
    for written in (text, f"before\n{text}\nafter", f"- item\n{text}", f"* a\n    * {text}"):
        shown = prose(written)
        assert kinds(shown) <= ALLOWED, shown
        assert all(str(each.attrs["href"]).startswith("https://") for each in tokens(shown) if each.type == "link_open"), shown


_PARTS = st.sampled_from(
    [
        *"#=-*_+>|`~<&[]()!\\:.\t \n\n1a",
        "    ",
        "```",
        "---",
        "===",
        "1. ",
        "- ",
        "<b>",
        "](",
        "javascript:",
        "https://a.b/",
        "![",
        "\r\n",
    ]
)


@given(st.lists(_PARTS, max_size=25).map("".join))
def test_any_text_comes_out_safe(text):
    shown = prose(text)
    assert kinds(shown) <= ALLOWED, shown
    assert all(
        str(each.attrs["href"]).startswith(("https://", "http://")) for each in tokens(shown) if each.type == "link_open"
    )


@given(
    st.text(alphabet=st.characters(categories=("L", "N", "P", "S")), max_size=30).filter(
        lambda text: not set(text) & set("*_`")
    )
)
def test_text_in_one_line_keeps_its_characters(text):
    if text.startswith(("-", "+")) or text[:1].isdigit():
        text = f"x{text}"
    assert words(prose(text)) == text or "](http" in text


def test_paragraphs_lists_emphasis_and_links_keep_their_meaning():
    text = "One *two* **three** `<four> & five`.\n\n- a\n  - b\n- [words](https://example.com/a_b?c=1&d=2)\n\n1. x\n2. y"
    shown = PARSER.render(prose(text))
    assert "<em>two</em> <strong>three</strong> <code>&lt;four&gt; &amp; five</code>" in shown
    assert '<a href="https://example.com/a_b?c=1&amp;d=2">words</a>' in shown
    assert shown.count("<ul>") == 2
    assert shown.count("<ol>") == 1
    assert shown.count("<li>") == 5
