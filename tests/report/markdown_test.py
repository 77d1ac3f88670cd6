"""The comment: what it says in each state, that nothing in it is more than text, and that it always fits."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from markdown_it import MarkdownIt

from mlgit.gate.rule_result import RuleResult
from mlgit.report import content, document, markdown, marker
from mlgit.report.document import Failure, Parameter, Report
from tests import kit
from tests.report.hostile import TEXTS, values
from tests.report.samples import FAILED, FULL, HEAD, LOOSENED, NOTHING, PASSED, STATES

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
OUR_HTML = {"<b>", "</b>", "<s>", "</s>", "<code>", "</code>", "<!-- -->"}
OUR_BLOCKS = re.compile(r"<details><summary>[^<>]*</summary>\n?|</details>\n?|<!-- mlgit:report v1 [^<>]* -->\n?")


def tokens(body):
    return [each for token in PARSER.parse(body) for each in (token, *(token.children or ()))]


def words(body):
    """What a reader sees, without markup."""
    return " ".join(each.content for each in tokens(body) if each.type in ("text", "text_special", "code_inline", "fence"))


def seen(body):
    return re.sub(r"\s+", " ", words(body).replace("\u200b", ""))


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("full", "1 of 4 gates failed"),
        ("passed", "all 4 gates passed"),
        ("nothing", "nothing changed"),
        ("first", "first results"),
        ("failed", "the run failed"),
        ("invalid", "no valid comparison"),
        ("retested", "the baseline model was run on the new rows"),
        ("unpaired", "it shows no difference"),
        ("fork", "Self-reported by a fork"),
        ("waived", "#142, until 2026-12-31, by @lead"),
        ("loosened", "This change edits the rules it is judged by"),
        ("old", "44 days older"),
    ],
)
def test_every_state_says_what_it_is(state, told):
    assert told in seen(markdown.comment(STATES[state]))


def test_sections_stand_in_the_order_in_which_a_reviewer_reads():
    body = markdown.comment(FULL)
    marks = [
        "<!-- mlgit:report",
        "### mlgit:",
        "| Gate |",
        "| Metric |",
        "| Slice |",
        "Changed",
        "Other metrics",
        "Slices",
        "Parameters",
        "Data",
        "Stages",
        "Model card",
        "Plots",
    ]
    places = [body.index(mark) for mark in [*marks, "Statistics and provenance"]]
    assert places == sorted(places)


def test_gating_metrics_come_first_with_no_more_digits_than_their_interval_has():
    rows = [line for line in markdown.comment(FULL).split("\n") if line.startswith("|")]
    cells = [
        [re.sub(r"\\|</?b>", "", cell).strip() for cell in row.strip("|").split("|")] for row in rows if row.count("|") == 6
    ]
    assert [row for row in cells if row[1].startswith(("0.8", "0.9", "18"))] == [
        ["f1 ↑", "0.871", "0.852", "−0.019 (−0.027, −0.011)", "▼ worse"],
        ["roc_auc ↑", "0.941", "0.944", "+0.003 (−0.001, +0.007)", "≈ no worse"],
        ["latency_p95_ms ↓", "18.2", "17.9", "−0.3 (−2.1, +1.6)", "? inconclusive"],
    ]
    assert "<summary>Other metrics: 1 differs, 1 unchanged</summary>" in markdown.comment(FULL)


def test_nothing_changed_is_one_line_and_where():
    assert len([line for line in markdown.comment(NOTHING).split("\n") if line]) == 3


def test_failed_run_strikes_out_the_verdict_before_and_shows_the_log():
    body = markdown.comment(FAILED, previous=markdown.comment(FULL))
    assert re.search(r"<s>[^<]*1 of 4 gates failed[^<]*</s>", body)
    assert "ValueError: no rows" in body
    again = markdown.comment(FAILED, previous=body)
    assert "<s>" not in again


def test_run_that_failed_without_a_stage_says_so():
    body = seen(markdown.comment(replace(FAILED, failure=Failure(""))))
    assert "the run failed: see the log" in body
    assert "code 0" not in body


def test_what_could_not_be_compared_is_no_result():
    note = "mlgit.yaml: gates.rules: unknown key"
    body = markdown.comment(Report(state="invalid", notes=(note,)))
    assert body.split("\n")[1].startswith("### mlgit: 🚫 no valid comparison")
    assert note in seen(body)


@pytest.mark.parametrize("long", ["x" * 2000, "word " * 300])
def test_headline_is_a_sentence_and_no_page(long):
    rule = replace(FULL.rules[0], metric=long, needs=long, reason=long)
    for report in (
        replace(FULL, rules=(rule,)),
        Report(state="invalid", notes=(long,)),
        replace(FAILED, failure=Failure(long)),
    ):
        assert len("".join(span.text for span in content.headline(report))) < 600


def test_first_results_under_a_waiver_that_ended_are_no_first_results():
    ended = RuleResult("f1.waiver", "waiver", "", "invalid", "fail", reason="the waiver of f1 ended on 2026-01-01")
    body = markdown.comment(replace(STATES["first"], verdict="invalid", rules=(*STATES["first"].rules, ended)))
    assert "could not judge" in body.split("\n")[1]


def test_notes_never_push_the_verdict_out():
    body = markdown.comment(replace(FULL, notes=tuple(f"{index} " + "@" * 1900 for index in range(1000))))
    assert "1 of 4 gates failed" in seen(body)
    assert "990 more notes" in seen(body)
    assert len(body.encode()) <= markdown.LIMIT


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tested", "turned", "rules", "metrics"])
def test_however_many_there_are_the_verdict_stays(name):
    count = 1000 if kit.FULL else 40  # the text of which is too long already
    rows = tuple(
        replace(each, model="@" * 2000) for each in getattr(FULL, name) for _ in range(count // len(getattr(FULL, name)))
    )
    body = markdown.comment(replace(FULL, **{name: rows}))
    assert "gates failed" in seen(body)
    assert len(body.encode()) <= markdown.LIMIT


def test_verdict_of_somebody_elses_comment_is_not_quoted():
    assert markdown.headline_of("### mlgit: ✅ all is well") == ""
    assert markdown.headline_of("") == ""


def test_changed_rules_show_even_where_nothing_else_changed():
    body = markdown.comment(replace(NOTHING, rule_changes=LOOSENED.rule_changes))
    assert "This change edits the rules" in seen(body)


def test_the_marker_names_commit_and_run():
    found = marker.parse(markdown.comment(FULL))
    assert (found.key, found.head, found.run) == ("default", HEAD, (812, 1))


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "https://a.example/)[x](https://evil", "data:text/html,x", "//evil", "https://a b"]
)
def test_run_whose_address_is_odd_is_no_link(url):
    body = markdown.comment(replace(FULL, run=replace(FULL.run, url=url)))
    assert "](" not in body.replace("\\]\\(", "")


@pytest.mark.slow
def test_long_reports_lose_whole_sections_and_name_them():
    many = tuple(Parameter(f"p{index}", "x" * 300, "y" * 300) for index in range(900))
    body = markdown.comment(replace(FULL, parameters=many))
    assert "Left out for length: plots, card, stages, slices, other metrics, statistics, parameters" in seen(body)
    assert "| Metric |" in body
    assert len(body.encode()) <= markdown.LIMIT


def test_log_with_fences_stays_in_its_fence():
    failure = Failure("train", "x", 1, ("```", "</details>", "````` @octocat"))
    fences = [each for each in tokens(markdown.comment(replace(FAILED, failure=failure))) if each.type == "fence"]
    assert [each.content for each in fences] == ["```\n</details>\n````` @octocat\n"]


FOREIGN = ("image", "link_open", "autolink", "s_open", "hr", "bullet_list_open", "ordered_list_open")


def pieces(found):
    """The texts that are in one piece, and whether each stands in `<code>`."""
    for line in (each.children or () for each in found if each.type == "inline"):
        text, is_code = "", False
        for each in line:
            text += each.content if each.type in ("text", "text_special") else ""
            if each.type == "html_inline" and each.content in ("<code>", "</code>", "<!-- -->"):
                yield text, is_code
                text, is_code = "", each.content != "</code>" and (is_code or each.content == "<code>")
        yield text, is_code


def check_inert(body):
    """No markup but ours, no link, nothing that a forge would turn into a mention or reference."""
    found = tokens(body)
    assert not [each for each in found if each.type in FOREIGN]
    assert {each.content for each in found if each.type == "html_inline"} <= OUR_HTML
    blocks = [each.content for each in found if each.type == "html_block"]
    assert all(map(OUR_BLOCKS.fullmatch, blocks))
    assert not any("\\" in each for each in blocks)  # it would be seen
    assert [each.tag for each in found if each.type == "heading_open"] == ["h3"]
    for text, is_code in pieces(found):  # GitHub looks for addresses of mail in the finished text, also in code of HTML
        assert is_code or not re.search(r":[a-z0-9_+-]*[a-z][a-z0-9_+-]*:", text, re.IGNORECASE)
        assert not re.search(r"\w@[\w.-]" if is_code else r"@[\w.-]|(?<!\w)#\d", text)
    assert not re.search(r"(?m)^\s*/[A-Za-z]+(\s|$)", body)  # of GitLab and of bots, which look into fences too
    # GitHub looks for addresses in the source, where an entity hides them; an escaped backtick begins no code
    unseen = r"(?ms)\A<!-- [^<>]* -->$|^(`{3,}).*?^\1$|(\\.)|`[^`\n]*`"
    source = re.sub(unseen, lambda found: found[2] or "", body)
    assert not re.search(r"(?i)https?://|(?<![a-z0-9])www\.", source)


@pytest.mark.parametrize("key", ["default", "www.evil.example"])
def test_code_beside_a_backtick_stays_code(key):
    """An address in code is no link, whatever stands before it, nor is the key in the marker."""
    turned = replace(FULL.turned[0], model="`", broken_keys=("https://evil.example",))
    body = markdown.comment(
        replace(FULL, run=replace(FULL.run, url=""), key=key, turned=(turned,), notes=("1www.evil.example",))
    )
    assert "`https://evil.example`" in body
    check_inert(body)


def test_an_address_outside_of_code_is_noticed():
    for body in ("### mlgit: \\` https://evil.example `x`\n", "### mlgit: `x` www.evil.example\n"):
        with pytest.raises(AssertionError):
            check_inert(body)


@pytest.mark.slow
@settings(
    max_examples=200 if kit.FULL else 15,
    deadline=None,
    phases=[Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(report=values(Report))
def test_whatever_a_report_holds_its_comment_fits_and_is_inert(report):
    report = replace(document.from_json(document.to_json(report), source="x"), run=replace(FULL.run))
    body = markdown.comment(replace(report, run=replace(report.run, url="")), previous=markdown.comment(PASSED))
    assert len(body.encode()) <= markdown.LIMIT
    assert marker.parse(body) is not None
    check_inert(body)
    assert len(markdown.summary(report).encode()) <= markdown.SUMMARY_LIMIT


@pytest.mark.slow
@pytest.mark.parametrize("text", TEXTS if kit.FULL else TEXTS[::3], ids=range(len(TEXTS if kit.FULL else TEXTS[::3])))
def test_no_text_is_more_than_text_wherever_it_stands(text):
    rule = RuleResult(text, text, text, "fail", "fail", text, text, text)
    metric = replace(FULL.metrics[1], model=text, metric=text, method=text, reason=text)
    report = replace(
        FULL,
        rules=(rule,) * 3,
        metrics=(metric, replace(metric, standing="invalid", model="b")),
        tested=(replace(FULL.tested[0], model=text, key=text, how="invalid", trouble=text),),
        turned=(replace(FULL.turned[0], model=text, fixed_keys=(text,), broken_keys=(text,)),),
        parameters=(Parameter(text, text, text),),
        data=(replace(FULL.data[0], path=text, added=(text,), moved=((text, 0.1),)),),
        stages=(replace(FULL.stages[0], name=text, state=text, why=(text,)),),
        rule_changes=(replace(LOOSENED.rule_changes[0], id=text, before=text, now=text),),
        notes=(text,),
        failure=Failure(text, text, 1, (text,)),
        plots=(replace(FULL.plots[0], title=text, x=text, y=text),),
        provenance=(),
        run=replace(FULL.run, url=""),
        head=replace(FULL.head, commit="", name=text),
        key=text,
    )
    read = document.from_json(document.to_json(report), source="x")
    for state in ("compared", "run failed", "invalid"):
        body = markdown.comment(replace(read, state=state))
        check_inert(body)
        rows = [[cell for cell in tokens(body) if cell.type in ("td_open", "th_open", "tr_open")]]
        assert rows
        assert len(body) <= 65_536
