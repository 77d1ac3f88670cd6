"""The verdict of an audit, and its four forms, on evidence written by hand."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from mlgit.registry import audit_markdown, cyclonedx, intoto, tag_facts
from mlgit.registry.audit import AuditGap, Code, Leak, gaps
from mlgit.registry.audit_document import document
from mlgit.registry.deployments import holdings
from mlgit.registry.facts import Facts, ModelFile
from tests.registry.audits import ASSIGNED, EVIDENCE, FACTS, MODEL, NASTY, RAW, REGISTERED, TRAIN, event, of


def test_what_is_whole_is_proven():
    assert gaps(EVIDENCE) == ()
    assert audit_markdown.render_audit(EVIDENCE).startswith("# Audit of `churn@v1.2.0`\n\n**PROVEN**\n")


CASES = {
    "training data 'data/train.csv' is not retrievable": {"places": {**EVIDENCE.places, TRAIN.path: "gone"}},
    "the model 'models/churn.skops' is not retrievable": {"places": {**EVIDENCE.places, MODEL.path: "gone"}},
    "the raw source 'data/raw' is not in the cache, and whether the remote": {
        "places": {**EVIDENCE.places, RAW.path: "unknown"}
    },
    "the tag names another model than its commit does": {"facts": {"model": ModelFile(MODEL.path, "9" * 32)}},
    "the model's bytes have another sha256": {"facts": {"model": ModelFile(MODEL.path, MODEL.md5, sha256="9" * 64)}},
    "nobody says which data is the training data": {"facts": {"data": ()}},
    "the commit was not run as it is declared: stale train": {"facts": {"stale": ("train",)}},
    "no file pins what the stages run with": {"facts": {"environment": {}}},
    "2 of 5 test rows are in the training data": {"leak": Leak(2, 5)},
    "the signature of churn#prod#1 is bad": {"trust": {ASSIGNED.ref: "bad"}},
    "the signature of churn#prod#1 cannot be checked": {"trust": {ASSIGNED.ref: "unknown"}},
    "the commit is not part of main": {"code": {"is_merged": False}},
    "it is not known whether the commit was merged": {"code": {"is_merged": None}},
    "the signature of the commit is bad": {"code": {"trust": "bad"}},
    "no metrics belong to the model": {"facts": {"metrics": {}}},
    "the card 'cards/churn.md' of the commit is not the one": {"card": ""},
    "churn#prod#0 was moved": {"chain": (AuditGap("churn#prod#0 was moved", "x"),)},
}


@pytest.mark.parametrize(("what", "changes"), CASES.items(), ids=CASES)
def test_gap_is_named_first_with_what_to_do(what, changes):
    found = gaps(of(**changes))
    assert len([each for each in found if each.what.startswith(what)]) == 1
    assert all(each.todo for each in found)
    text = audit_markdown.render_audit(of(**changes))
    assert text.splitlines()[2] == f"**GAPS: {len(found)}**"
    assert document(of(**changes))["verdict"] == "gaps"


TODO = [
    "`mlgit push` where they are, or `mlgit model reproduce churn@v1.0.0`",
    "`a``b` and (`c_d`)",
    " `x`, `y|z` ",
    "`a b",
    "``",
]


@pytest.mark.parametrize("todo", TODO)
def test_commands_are_code_and_the_words_between_them_are_not(todo):
    html = MarkdownIt("commonmark").render(f"To do: {audit_markdown.commands(todo)}")
    words = re.sub(r"</?code>", "`", html.removeprefix("<p>To do: ").removesuffix("</p>\n"))
    assert unescape(words).strip() == todo.strip()


def test_tag_against_commit_is_about_data_too():
    other = {"path": TRAIN.path, "md5": "9" * 32, "role": "train"}
    evidence = of(recorded=tag_facts.read(event(version="v1", data=[other])))
    assert gaps(evidence)[0].what == "the tag names other content of 'data/train.csv' than its commit does"


def test_markdown_has_everything_that_is_asked():
    text = audit_markdown.render_audit(EVIDENCE)
    for words in (
        *("models/churn.skops", "a" * 32, "b" * 64, "1.21 KiB", "skops", "prod", "2023-11-15T00:15:00+02:00"),
        *(
            "2023-11-15T00:16:40+02:00",
            "Ship it",
            "Customer waits",
            "Grace Example",
            "good",
            "beat-baseline",
            "in the DVC remote",
        ),
        *("python train.py", "c" * 40, "part of main", "requirements.txt", "train.depth", "0.9143", "[0.9071, 0.9214]"),
        *("0 of 5 test rows", "only a signature proves who wrote one", "mlgit model reproduce"),
    ):
        assert words in text, words


def test_text_of_the_repository_stays_text():
    hostile = of(
        registration=event(version="v1.2.0", reason=NASTY),
        facts=Facts(
            "churn", "c" * 40, ModelFile(NASTY, "a" * 32), description=NASTY, params={NASTY: NASTY}, metrics={NASTY: 1.0}
        ),
        code=Code("c" * 40, NASTY, NASTY, 1, NASTY, NASTY, False),
        chain=(AuditGap(NASTY, NASTY),),
    )
    text = audit_markdown.render_audit(hostile)
    for forbidden in ("<script>", "\x1b", "@everyone", "![x]"):
        assert forbidden not in text


def test_same_evidence_gives_the_same_bytes():
    for form in (document, intoto.statement, cyclonedx.bill):
        assert json.dumps(form(EVIDENCE)) == json.dumps(form(of()))
    assert cyclonedx.bill(EVIDENCE)["serialNumber"] != cyclonedx.bill(of(facts={"params": {}}))["serialNumber"]


VARIANTS = {
    "whole": EVIDENCE,
    "folder": of(facts={"model": ModelFile("models", f"{'a' * 32}.dir", 3, "b" * 64)}),
    "bare": of(recorded=tag_facts.Recorded(), facts=Facts("nlp:churn", "c" * 40, ModelFile("m", "a" * 32))),
    "hostile": of(facts={"params": {NASTY: NASTY}, "description": NASTY, "metrics": {NASTY: float("nan")}}),
}


@pytest.mark.parametrize("evidence", VARIANTS.values(), ids=VARIANTS)
def test_statement_is_one_of_in_toto(evidence):
    from google.protobuf import json_format
    from in_toto_attestation.v1 import statement_pb2
    from in_toto_attestation.v1.statement import Statement

    made = intoto.statement(evidence)
    parsed = json_format.ParseDict(made, statement_pb2.Statement())
    Statement.copy_from_pb(parsed).validate()
    definition = made["predicate"]["buildDefinition"]
    assert made["subject"][0]["digest"]["md5"] == "a" * 32
    assert definition["resolvedDependencies"][0]["digest"] == {"gitCommit": "c" * 40}


@pytest.mark.parametrize("evidence", VARIANTS.values(), ids=VARIANTS)
def test_bill_is_one_of_cyclonedx(evidence):
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    made = cyclonedx.bill(evidence)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(made)) is None
    card = made["metadata"]["component"]["modelCard"]
    if evidence is EVIDENCE:
        assert card["modelParameters"]["datasets"] == [{"ref": "data:data/train.csv"}]
        assert card["quantitativeAnalysis"]["performanceMetrics"][0] == {
            "type": "auc",
            "value": "0.9143",
            "confidenceInterval": {"lowerBound": "0.9071", "upperBound": "0.9214"},
            "slice": "test",
        }


def test_validator_of_this_test_can_fail():
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    assert (
        JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps({**cyclonedx.bill(EVIDENCE), "stray": 1})) is not None
    )


def test_facts_of_a_tag_are_read():
    found = tag_facts.read(REGISTERED)
    assert found.model == ModelFile(MODEL.path, MODEL.md5, 1234, MODEL.sha256)
    assert [each.path for each in found.data] == [TRAIN.path]
    assert found.card == ("cards/churn.md", "e" * 40)
    assert tag_facts.read(ASSIGNED).gate["result"] == "fail"
    assert tag_facts.read(ASSIGNED).override == "Customer waits"
    assert found.md5s == {MODEL.md5, TRAIN.md5}


_junk = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=8),
        st.sampled_from(["../x", "/etc/passwd"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["path", "md5", "sha256", "size", "role", "findings", "blob", "reason"]), inner, max_size=4
        ),
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["model", "data", "metrics", "gate", "card", "predictions", "override"]), _junk))
def test_no_facts_of_a_tag_can_break_the_audit(facts):
    found = tag_facts.read(event(version="v1.0.0", **facts))
    for each in (found.model, found.predictions, *found.data):
        assert each is None or not (each.path.startswith("/") or ".." in each.path.split("/"))
    evidence = of(recorded=found, registration=event(version="v1.0.0", **facts))
    for form in (document, intoto.statement, cyclonedx.bill, audit_markdown.render_audit):
        form(evidence)


def test_holdings_follow_assignments_and_what_undoes_them():
    one, two = "1" * 40, "2" * 40
    events = [
        event(version="v1.0.0", commit=one),
        event(version="v2.0.0", commit=two),
        event("assign", environment="prod", counter=1, commit=one),
        event("assign", environment="prod", counter=2, commit=two),
        event("unassign", environment="prod", counter=3, commit=two),
        event("assign", environment="staging", counter=4, commit=one),
        event("deregister", version="v1.0.0", commit=one),
    ]
    found = [(each.environment, each.since.ref, each.until.ref if each.until else "") for each in holdings(events, "v1.0.0")]
    assert found == [
        ("prod", "churn#prod#1", "churn#prod#2"),
        ("prod", "churn#prod#3", "churn@v1.0.0"),
        ("staging", "churn#staging#4", "churn@v1.0.0"),
    ]
    assert [(each.since.ref, each.until.ref) for each in holdings(events, "v2.0.0")] == [("churn#prod#2", "churn#prod#3")]


def test_deprecated_artifact_is_nowhere():
    events = [event(version="v1.0.0"), ASSIGNED, event("deprecate", time=1_700_000_300)]
    assert holdings(events, "v1.0.0")[0].until == events[2]
    assert holdings(events[:2], "v1.0.0")[0].until is None


def test_tag_without_readable_facts_is_a_gap():
    broken = event(version="v1.2.0")._replace(text="Registering\n\n---\nmlgit: 1\nwrong\n")
    assert gaps(of(registration=broken))[0].what.startswith("the facts in the tag cannot be read: line 2")


def test_facts_stay_as_they_are():
    assert FACTS.with_role("train") == (TRAIN,)
