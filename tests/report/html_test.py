"""The page: the comment's content, in HTML that needs nothing from elsewhere and in which no text is more than text."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from mlgit.report import content, document, html
from mlgit.report.document import Failure, Line, Parameter, Plot, Report
from mlgit.report.page import PageTable, Paragraph
from tests.report.hostile import TEXTS, values
from tests.report.samples import FULL, STATES

TAGS = {
    *("html", "head", "meta", "title", "style", "body", "main", "h1", "section", "details", "summary", "p", "pre", "code"),
    *("strong", "s", "a", "div", "table", "caption", "thead", "tbody", "tr", "th", "td", "figure", "figcaption"),
    *("svg", "desc", "path", "polyline", "text"),
}
ATTRIBUTES = {
    *("lang", "charset", "http-equiv", "content", "name", "class", "role", "tabindex", "aria-label", "scope", "href", "rel"),
    *("viewbox", "width", "height", "d", "fill", "stroke", "stroke-width", "stroke-dasharray", "points", "x", "y"),
    *("font-size", "text-anchor", "colspan"),
}
VOID = {"meta"}


class Reader(HTMLParser):
    """Every tag and attribute, all words, and whether elements nest as they should."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.words, self.open = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    def handle_comment(self, data):
        raise AssertionError(f"a comment: {data}")


def read(page):
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


def check_inert(page):
    found = read(page)
    assert set(found.tags) <= TAGS
    assert {name for name, _ in found.attributes} <= ATTRIBUTES
    links = [value for name, value in found.attributes if name == "href"]
    assert all(re.fullmatch(r"https?://[A-Za-z0-9.-]+(:\d+)?(/[A-Za-z0-9._~/%?=&+-]*)?", value) for value in links)
    assert "nan" not in " ".join(value or "" for name, value in found.attributes if name in ("points", "d")).lower()
    return found


@pytest.mark.parametrize("state", sorted(STATES))
def test_the_page_says_what_the_comment_says(state):
    seen = " ".join(" ".join(read(html.page(STATES[state])).words).split())
    shown = content.page(STATES[state])
    spans = [*shown.headline]
    for section in shown.sections:
        for block in section.blocks:
            spans += block.words if isinstance(block, Paragraph) else ()
            spans += [span for row in block.rows for cell in row for span in cell] if isinstance(block, PageTable) else []
    assert spans
    for span in spans:
        assert " ".join(span.text.split()) in seen


def test_the_page_needs_nothing_from_elsewhere():
    page = html.page(FULL)
    assert not re.search(r"(?i)<script|<link|<img|<iframe|@import|url\(|\bsrc=|\son\w+=", page)
    assert "default-src 'none'" in page
    assert html.page(FULL) == page


def test_tables_and_plots_have_names_for_those_who_cannot_see_them():
    found = read(html.page(FULL))
    assert found.tags.count("caption") == found.tags.count("table") >= 5
    assert found.tags.count("svg") == found.tags.count("desc") == 1
    assert ("scope", "col") in found.attributes
    assert ("scope", "row") in found.attributes


def test_both_colour_schemes_have_contrast():
    """At least 4.5 for text on its background: https://www.w3.org/TR/WCAG22/#contrast-minimum."""
    style = html.page(FULL)
    schemes = [dict(re.findall(r"--(\w+): (#[0-9a-f]{3,6})", part)) for part in re.findall(r":root \{[^}]*\}", style)]
    assert len(schemes) == 2
    for scheme in schemes:
        for ink, paper in (("ink", "paper"), ("ink", "tint"), ("soft", "paper"), ("link", "paper")):
            light, dark = sorted((_luminance(scheme[ink]), _luminance(scheme[paper])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, paper)


def _luminance(colour):
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@settings(max_examples=40, deadline=None, phases=[Phase.reuse, Phase.generate], suppress_health_check=list(HealthCheck))
@given(report=values(Report))
def test_whatever_a_report_holds_its_page_is_inert(report):
    check_inert(html.page(document.from_json(document.to_json(report), source="x")))


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_no_text_is_more_than_text(text):
    report = replace(
        FULL,
        notes=(text,),
        metrics=(replace(FULL.metrics[1], metric=text, reason=text),),
        plots=(Plot(text, (Line(text, (1.0, 2.0)),), text, text),),
        card=(text,),
        run=replace(FULL.run, url=text),
    )
    check_inert(html.page(document.from_json(document.to_json(report), source="x")))


@pytest.mark.parametrize("numbers", [(1.0, 1.0), (0.0, 0.0), (1e300, -1e300), (1e-300, 2e-300), (-5.0, -5.0, -5.0)])
def test_every_curve_can_be_drawn(numbers):
    check_inert(html.page(replace(FULL, plots=(Plot("p", (Line("a", numbers),)),))))


def test_texts_that_no_file_could_hold_are_shown():
    odd = "\udcff\x00\nb\u202e"
    failure = Failure("s", odd, 1, (odd,))
    plot = Plot(odd, (Line(odd, (1.0, 2.0)),), odd, odd)
    page = html.page(replace(FULL, state="run failed", failure=failure, parameters=(Parameter(odd, odd, odd),), plots=(plot,)))
    assert page.encode().count(b"\\udcff\\x00\\nb\\u202e") >= 8
    assert not any(char in page for char in odd if char not in "\nb")


def test_smallest_numbers_there_are_can_be_drawn():
    plot = Plot("loss", (Line("main", (0.0, 5e-324)), Line("now", (1e300, -1e300))))
    assert "<polyline" in html.page(replace(FULL, plots=(plot, replace(plot, lines=plot.lines[:1]))))
