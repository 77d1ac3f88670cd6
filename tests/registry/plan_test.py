"""The next tag: its name and place in the chain, what is in its way, and where a rollback goes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.errors import MlgitError
from mlgit.registry import fact_writer, grammar, plan, tag_message
from mlgit.registry.event import Event, TagName
from mlgit.registry.tag_message import Body

COMMITS = {version: f"{number:040x}" for number, version in enumerate(("v1.0.0", "v2.0.0", "v3.0.0", "v4.0.0"), 1)}
VERSIONS = {commit: version for version, commit in COMMITS.items()}


def event(ref, *, number=0, version="", kind=""):
    name = grammar.parse(ref)
    facts = fact_writer.facts(kind, version=version) if kind else {}
    text = tag_message.render(Body("A sentence", "", facts))
    return Event(name, ref, f"{number:040x}", COMMITS.get(version, "f" * 40), 1000 + number, "Ada", "ada@example.com", text)


def assigned(*versions):
    """Assignments to prod in this order; `<v1.0.0` is one by rollback, `!v1.0.0` takes out."""
    found = []
    for number, word in enumerate(versions, 1):
        version = word.lstrip("<!")
        cancel = "!" if word.startswith("!") else ""
        kind = "rollback" if word.startswith("<") else "unassign" if cancel else "assign"
        found.append(event(f"churn#prod{cancel}#{number}", number=number, version=version, kind=kind))
    return found


def meant(event):
    return VERSIONS.get(event.commit, "")


def stack(*versions):
    return [each.version for each in plan.stack("prod", assigned(*versions), meant)]


@pytest.mark.parametrize(
    ("events", "left"),
    [
        ([], []),
        (["v1.0.0", "v2.0.0", "v3.0.0"], ["v1.0.0", "v2.0.0", "v3.0.0"]),
        (["v1.0.0", "v2.0.0", "v3.0.0", "<v2.0.0"], ["v1.0.0", "v2.0.0"]),
        (["v1.0.0", "v2.0.0", "v3.0.0", "<v1.0.0"], ["v1.0.0"]),
        (["v1.0.0", "v2.0.0", "<v1.0.0", "v2.0.0"], ["v1.0.0", "v2.0.0"]),
        (["v1.0.0", "v2.0.0", "v1.0.0", "<v2.0.0"], ["v2.0.0"]),
        (["v1.0.0", "v2.0.0", "!v2.0.0"], ["v1.0.0"]),
        (["v1.0.0", "!v1.0.0", "v2.0.0"], ["v2.0.0"]),
        (["<v1.0.0"], ["v1.0.0"]),
    ],
)
def test_versions_that_can_be_gone_back_to(events, left):
    assert stack(*events) == left


def test_other_environments_and_foreign_tags_are_read_too():
    events = [event("churn#dev#1", number=1, version="v1.0.0"), event("churn#prod#2", number=2, version="v2.0.0")]
    assert [each.version for each in plan.stack("prod", events, meant)] == ["v2.0.0"]


@given(promoted=st.lists(st.sampled_from(sorted(COMMITS)), min_size=1, max_size=12), data=st.data())
def test_rollbacks_in_a_row_end_and_never_visit_a_version_twice(promoted, data):
    events = []
    for version in promoted:
        if events and data.draw(st.booleans()):
            events = _gone_back(events)
        events.append(version)
    visited = [stack(*events)[-1]]
    while len(stack(*events)) > 1:
        before = events
        events = _gone_back(events)
        if events == before:
            break
        visited.append(stack(*events)[-1])
    assert len(visited) == len(set(visited))


def _gone_back(events):
    found = stack(*events)
    target = next((version for version in reversed(found[:-1]) if version != found[-1]), None)
    return [*events, f"<{target}"] if target else events


@pytest.mark.parametrize(
    ("name", "existing", "ref"),
    [
        (TagName("churn", "register", "v1.0.0"), [], "churn@v1.0.0"),
        (TagName("churn", "register", "v1.0.0"), ["churn@v1.0.0", "churn@v1.0.0!"], "churn@v1.0.0#1"),
        (TagName("churn", "deregister", "v1.0.0"), ["churn@v1.0.0"], "churn@v1.0.0!"),
        (TagName("churn", "assign", environment="prod"), ["churn@v1.0.0"], "churn#prod#1"),
        (TagName("churn", "assign", environment="prod"), ["churn#dev#7", "churn#prod!#3"], "churn#prod#8"),
        (TagName("churn", "unassign", environment="prod"), ["churn#prod#1"], "churn#prod!#2"),
        (TagName("churn", "deprecate"), ["churn#prod#1"], "churn@deprecated"),
        (TagName("churn", "deprecate"), ["churn#prod#1", "churn@deprecated"], "churn@deprecated#2"),
        (TagName("a/b:churn", "assign", environment="prod"), [], "a/b=churn#prod#1"),
    ],
)
def test_counter_is_one_more_than_any_of_the_artifact(name, existing, ref):
    events = [event(each, number=number) for number, each in enumerate(existing)]
    assert grammar.format(plan.counted(name, events)) == ref


def test_event_follows_the_last_one_in_name_and_time():
    events = assigned("v1.0.0", "v2.0.0")
    tag = TagName("churn", "assign", environment="prod")
    made = plan.event(tag, version="v3.0.0", target=COMMITS["v3.0.0"], events=events, reason="Why")
    assert (made.ref, made.not_before) == ("churn#prod#3", 1003)
    assert tag_message.previous(made.message) == ("churn#prod#2", f"{2:040x}")
    assert tag_message.parse(made.message).sentence == "Assigning stage prod to artifact churn version v3.0.0"
    assert made.upon == tuple((each.ref, each.oid) for each in events)


@pytest.mark.parametrize(
    ("ref", "taken", "said"),
    [
        ("churn@v1.0.0", "Churn@v1.0.0", "in case only"),
        ("churn@v1.0.0", "CHURN#prod#4", "in case only"),
        ("churn/nn@v1.0.0", "churn", "a folder of the other"),
        ("churn/nn@v1.0.0", "Churn", "a folder of the other"),
        ("churn", "churn/nn@v1.0.0", "a folder of the other"),
    ],
)
def test_names_in_the_way_are_told(ref, taken, said):
    with pytest.raises(MlgitError, match=said):
        plan.check_free(ref, ["other", taken])


@pytest.mark.parametrize("taken", ["churn@v1.0.1", "churn-2@v1.0.0", "churn#prod#1", "Churned", "churn@v1.0.0-rc.1", "v1.0.0"])
def test_names_beside_it_are_not_in_the_way(taken):
    plan.check_free("churn@v1.0.0", [taken])


def test_a_withdrawn_version_is_no_place_to_go_back_to_even_when_it_is_registered_anew():
    events = [
        event("churn#prod#1", number=1, version="v1.0.0", kind="assign"),
        event("churn#prod#2", number=2, version="v2.0.0", kind="assign"),
        event("churn#prod#3", number=3, version="v3.0.0", kind="assign"),
        event("churn@v2.0.0!", number=4, version="v2.0.0", kind="deregister"),
        event("churn@v2.0.0#5", number=5, version="v2.0.0", kind="register"),
    ]
    assert [each.version for each in plan.stack("prod", events, meant)] == ["v1.0.0", "v3.0.0"]


def test_a_version_that_was_withdrawn_where_it_is_is_the_one_that_is_left():
    events = [
        event("churn#prod#1", number=1, version="v1.0.0", kind="assign"),
        event("churn#prod#2", number=2, version="v2.0.0", kind="assign"),
        event("churn@v2.0.0!", number=3, version="v2.0.0", kind="deregister"),
    ]
    assert [each.version for each in plan.stack("prod", events, meant)] == ["v1.0.0", "v2.0.0"]
