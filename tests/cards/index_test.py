"""The page about all models: a function of the registry's state, written by hand here."""

from __future__ import annotations

import pytest

from mlgit.cards import index
from mlgit.registry.integrity import TagFault
from mlgit.registry.state import Artifact, Assignment, Version
from tests.registry.audits import BEGAN, COMMIT, NASTY, event


def version(name, *, time=BEGAN, active=True, **metrics):
    """A registered version whose tag tells these metrics."""
    told = {metric: {"value": value} for metric, value in metrics.items()}
    return Version("churn", name, COMMIT, event(version=name, time=time, metrics=told), active)


def put(environment, name, *, reason="Ship it"):
    return Assignment(environment, name, event("assign", environment=environment, counter=1, reason=reason))


def page(*versions, environments=None, faults=(), **options):
    artifact = Artifact("churn", versions, environments or {}, faults=faults, is_active=options.pop("active", True))
    options["environments"] = options.pop("declared", ())
    return index.page([artifact], cards=options.pop("cards", {}), **options)


def rows(text, head):
    """The cells of the table whose head begins with a word."""
    lines = text.partition(f"\n\n| {head} |")[2].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_without_a_model_the_page_says_so():
    assert "No version of a model is registered." in index.page([], cards={})


def test_versions_stand_with_the_latest_first_and_say_where_they_are():
    there = {"prod": (put("prod", "v1.0.0"),), "staging": (put("staging", "v1.0.0"), put("staging", "v1.1.0"))}
    found = rows(page(version("v1.0.0", auc=0.9), version("v1.1.0", auc=0.95), environments=there), "version")
    assert [row[:2] for row in found] == [["v1.1.0", "staging"], ["v1.0.0", "prod"]]
    assert [row[-1] for row in found] == ["0.95", "0.9"]


def test_withdrawn_version_is_called_so_wherever_it_was():
    found = rows(page(version("v1.0.0", active=False), environments={"prod": (put("prod", "v1.0.0"),)}), "version")
    assert found[0][1] == "withdrawn"


def test_declared_environments_come_first_and_are_shown_empty():
    there = {"canary": (put("canary", "v1.0.0"),), "prod": ()}
    found = rows(page(version("v1.0.0"), environments=there, declared=("staging", "prod")), "environment")
    assert [row[:2] for row in found] == [["staging", "–"], ["prod", "–"], ["canary", "v1.0.0"]]


def test_version_without_a_registration_is_called_by_its_commit():
    assert rows(page(environments={"prod": (put("prod", COMMIT),)}), "environment")[0][1] == COMMIT[:10]


@pytest.mark.parametrize(
    ("wanted", "shown"), [((), ["auc", "loss"]), (("loss",), ["loss", "auc"]), (("loss", "absent", "loss"), ["loss", "auc"])]
)
def test_metrics_that_gates_ask_about_come_first(wanted, shown):
    text = page(version("v1.0.0", auc=0.9, loss=0.1), metrics=wanted)
    head = next(line for line in text.splitlines() if line.startswith("| version"))
    assert [cell.strip() for cell in head.strip("|").split("|")][5:] == shown


def test_metric_that_a_version_does_not_tell_is_a_dash():
    found = rows(page(version("v1.0.0"), version("v1.1.0", auc=0.9)), "version")
    assert [row[-1] for row in found] == ["0.9", "–"]


def test_no_more_metrics_than_fit():
    many = {f"m{number}": 0.5 for number in range(9)}
    assert len(rows(page(version("v1.0.0", **many)), "version")[0]) == 5 + 6


@pytest.mark.parametrize("told", [{"auc": 0.9}, {"auc": {"value": "high"}}, {"auc": {"value": True}}, "none"])
def test_facts_of_another_shape_are_no_metrics(told):
    one = Version("churn", "v1.0.0", COMMIT, event(version="v1.0.0", metrics=told))
    assert len(rows(page(one), "version")[0]) == 5


def test_card_damage_and_retirement_are_told():
    fault = TagFault("moved", "churn@v1.0.0", NASTY, "hint", "churn")
    text = page(version("v1.0.0"), cards={"churn": "../cards/a>b.md"}, faults=(fault,), active=False)
    assert "[Model card](<../cards/a\\>b.md>)" in text
    assert "## churn (no longer used)" in text
    assert "**Damaged:** a&#124;b\\`c\\`&lt;script&gt;" in text


def test_day_is_that_of_the_tag_in_utc():
    assert rows(page(version("v1.0.0", time=86_399)), "version")[0][2] == "1970-01-01"


@pytest.mark.parametrize(
    ("card", "at", "link"), [("cards/a.md", "models.md", "cards/a.md"), ("cards/a.md", "docs/models.md", "../cards/a.md")]
)
def test_card_is_linked_from_where_the_page_is(card, at, link):
    assert index.relative(card, at) == link
