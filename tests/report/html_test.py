"""The page: the comment's content, in HTML that needs nothing from elsewhere and in which no text is more than text."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from mlgit.report import content, document, html
from mlgit.report.document import Failure, Line, Parameter, Plot, Report
from mlgit.report.figures import SIGNS, STANDINGS
from mlgit.report.page import PageTable, Paragraph
from tests.kit.contrast import ratio, variables
from tests.report.hostile import TEXTS, values
from tests.report.samples import FULL, PASSED, STATES

TAGS = {
    *("html", "head", "meta", "title", "style", "body", "main", "h1", "section", "details", "summary", "p", "pre", "code"),
    *("strong", "s", "a", "div", "table", "caption", "thead", "tbody", "tr", "th", "td", "figure", "figcaption"),
    *("svg", "desc", "path", "polyline", "text", "rect", "circle", "span", "h2", "img"),
}
ATTRIBUTES = {
    *("lang", "charset", "http-equiv", "content", "name", "class", "role", "tabindex", "aria-label", "scope", "href", "rel"),
    *("viewbox", "width", "height", "d", "fill", "stroke", "stroke-width", "stroke-dasharray", "points", "x", "y"),
    *("font-size", "text-anchor", "colspan", "cx", "cy", "r", "alt", "src"),
    *("fill-opacity", "stroke-opacity", "transform"),
}
VOID = {"meta", "img"}


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
    assert all(value.startswith("data:image/") for name, value in found.attributes if name == "src")
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
    """At least 4.5 for text on its background, 3 for what is drawn: https://www.w3.org/TR/WCAG22/#contrast-minimum."""
    for colours in variables(html.page(FULL)):
        words = [(ink, paper) for ink in ("ink", "good", "warn", "bad") for paper in ("paper", "tint")]
        words += [("soft", "paper"), ("link", "paper"), ("ink", "refused")]
        assert min((ratio(colours[ink], colours[paper]), ink, paper) for ink, paper in words) >= (4.5, "", "")
        drawn = [(line, "paper") for line in "abcdef"] + [(tone, "refused") for tone in ("good", "warn", "bad", "plain")]
        assert min((ratio(colours[line], colours[paper]), line) for line, paper in drawn) >= (3, "")


def test_fail_and_worse_have_a_colour_besides_their_words():
    page = html.page(FULL)
    assert '<h1 class="bad">' in page
    assert f'<span class="bad">{STANDINGS["worse"]}</span>' in page
    assert f'<span class="bad">{SIGNS["fail"]} fail</span>' in page
    assert '<h1 class="good">' in html.page(PASSED)


def test_nothing_is_wider_than_a_phone_unless_it_scrolls_by_itself():
    page = html.page(FULL)
    assert page.count("<table>") == page.count('<div class="scroll"')
    assert "svg { max-width: 100%" in page
    broken = re.findall(r"(?m)^([^{}@\n]+) \{[^}]*overflow-wrap: anywhere", page)
    assert {"h1", "h2", "p", "code", "summary", "figcaption"} <= {each.strip() for each in broken}
    assert all(float(size) <= 420 for size in re.findall(r"[^x]-?width: ?([0-9.]+)px", page.partition("</style>")[0]))
    assert all(float(size) * 16 <= 420 for size in re.findall(r"min-width: ?([0-9.]+)rem", page))


GATED = replace(FULL.rules[0], least=-0.01)


@pytest.mark.parametrize(
    ("rule", "fields"),
    [(GATED, 1), (replace(GATED, kind="same", most=0.01), 2), (replace(GATED, kind="bound", least=None, most=0.9), 1)],
)
def test_gated_metric_has_a_picture_of_its_interval_against_the_limits(rule, fields):
    page = html.page(replace(FULL, rules=(rule,)))
    assert page.count('fill="var(--refused)"') == fields
    assert check_inert(page).tags.count("circle") == 1
    assert "f1.no_worse: f1" in page


@pytest.mark.parametrize("ends", [(0.0, 0.0), (-1e300, 1e300), (5e-324, 5e-324), (1.0, 1.0)])
def test_every_interval_can_be_drawn(ends):
    check_inert(html.page(replace(FULL, rules=(replace(GATED, low=ends[0], high=ends[1], delta=ends[1], least=ends[0]),))))


def test_rule_without_limit_or_interval_has_no_picture():
    rules = (replace(GATED, least=None), replace(GATED, low=None), replace(GATED, high=float("nan")))
    assert "<circle" not in html.page(replace(FULL, rules=rules))


def test_curve_of_two_rates_is_a_square_from_corner_to_corner():
    curve = Plot("ROC", (Line("main", (0.4, 0.9, 1.0)),), "fpr", "tpr", 0.0, 1.0)
    page = html.page(replace(FULL, plots=(curve,)))
    assert 'points="62.0,348.0 62.0,220.0 222.0,60.0 382.0,28.0 382.0,28.0"' in page
    beyond = html.page(replace(FULL, plots=(replace(curve, lines=(Line("main", (0.4, 90.0, 1.0)),)),)))
    assert "62.0,348.0 62.0" not in beyond


@pytest.mark.slow
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
