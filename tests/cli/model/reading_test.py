"""list, show, history, verify and event over plain tags in a repository that is no DVC project."""

from __future__ import annotations

import json
import sys

import pytest

from tests.kit import git, program
from tests.registry.histories import START, chained, commits, tag

pytestmark = pytest.mark.slow  # real repositories, many times


@pytest.fixture
def world(tmp_path):
    """`churn` with two versions that were in prod one after the other, by an override; `other` with one."""
    at = commits(tmp_path, 3)
    tag(tmp_path, "other@v1.0.0", at[0], when=START, text=chained(tmp_path))
    tag(tmp_path, "churn@v1.0.0", at[0], when=START, text=chained(tmp_path))
    tag(tmp_path, "churn#prod#1", at[0], when=START + 10, text=chained(tmp_path, after="churn@v1.0.0"))
    tag(tmp_path, "churn@v1.1.0", at[1], when=START + 20, text=chained(tmp_path, after="churn#prod#1"))
    override = '{"reason": "board said so"}'
    text = chained(tmp_path, after="churn@v1.1.0") + f"override: {override}\n"
    tag(tmp_path, "churn#prod#2", at[1], when=START + 30, text=text)
    return tmp_path


def gto(root, *commands):
    """Run these commands of gto, in one process: it takes a second to start."""
    script = "import gto.cli, json, sys\nfor args in json.loads(sys.argv[1]): gto.cli.app(args, standalone_mode=False)"
    done = program(root, [sys.executable, "-c", script, json.dumps(commands)])
    assert done.code == 0, done.said


def document(cli, root, *args, code=0):
    done = cli(root, "model", *args, "--json")
    assert done.code == code, done
    return json.loads(done.out)


def test_list_names_latest_and_environments(world, cli):
    models = {each["name"]: each for each in document(cli, world, "list")["models"]}
    assert models["churn"]["latest"] == "v1.1.0"
    assert models["churn"]["environments"]["prod"]["version"] == "v1.1.0"
    assert models["other"]["environments"] == {}
    assert "churn" in cli(world, "model", "list").out


def test_list_without_models_says_what_to_type(tmp_path, cli):
    commits(tmp_path, 1)
    assert "mlgit model register" in cli(tmp_path, "model", "list").out


def test_show_as_it_was_at_a_moment(world, cli):
    assert document(cli, world, "show", "churn#prod")["version"] == "v1.1.0"
    assert document(cli, world, "show", "churn#prod", "--at", "2023-11-14T22:13:35Z")["version"] == "v1.0.0"


BEFORE = {
    "churn": ("2001-01-01", "churn@v1.0.0, of 2023-11-14T22:13:20Z"),
    "churn@v1.1.0": ("2023-11-14T22:13:35Z", "churn@v1.1.0, of 2023-11-14T22:13:40Z"),
    "churn#prod": ("2023-11-14T22:13:25Z", "churn#prod#1, of 2023-11-14T22:13:30Z"),
}


@pytest.mark.parametrize("name", BEFORE)
def test_show_before_there_was_something_tells_since_when(name, world, cli):
    at, first = BEFORE[name]
    done = cli(world, "model", "show", name, "--at", at)
    assert done.code == 2
    assert "not there yet at" in done.err
    assert f"the first of it is {first}" in done.err


def test_show_at_a_moment_of_what_never_was_is_told_so(world, cli):
    assert "nothing is in 'staging'" in cli(world, "model", "show", "churn#staging", "--at", "2001-01-01").err
    assert "did you mean 'churn'?" in cli(world, "model", "show", "chrn", "--at", "2001-01-01").err
    assert "not there yet" not in cli(world, "model", "show", "churn#staging", "--at", "2030-01-01").err


def test_show_says_that_policy_was_overridden(world, cli):
    for args in (("show", "churn"), ("show", "churn#prod"), ("history", "churn")):
        assert "POLICY OVERRIDDEN: board said so" in cli(world, "model", *args).out
    assert document(cli, world, "history", "churn")["events"][0]["override"] == "board said so"


def test_unknown_names_get_the_near_miss(world, cli):
    assert "did you mean 'churn'?" in cli(world, "model", "show", "chrn").err
    assert "did you mean 'v1.0.0'?" in cli(world, "model", "show", "churn@v1.0.1").err
    assert "environments with a version of it: prod" in cli(world, "model", "show", "churn#staging").err


def test_history_is_newest_first_in_chain_order(world, cli):
    events = document(cli, world, "history", "churn")["events"]
    assert [each["tag"] for each in events] == ["churn#prod#2", "churn@v1.1.0", "churn#prod#1", "churn@v1.0.0"]
    assert events[0]["version"] == "v1.1.0"


def test_message_given_to_gto_is_the_reason(tmp_path, cli):
    commits(tmp_path, 1)
    gto(tmp_path, ["register", "churn"], ["assign", "churn", "--stage", "prod", "-m", "fewer alarms\n\nsee #4"])
    events = document(cli, tmp_path, "history", "churn")["events"]
    assert [each["reason"] for each in events] == ["fewer alarms\n\nsee #4", ""]
    assert "fewer alarms" in cli(tmp_path, "model", "show", "churn").out


@pytest.mark.parametrize(
    "args", [["deprecate", "churn", "v0.0.1"], ["deprecate", "churn"], ["assign", "churn", "--stage", "a"]]
)
def test_what_gto_writes_without_a_message_is_no_reason(args, tmp_path, cli):
    commits(tmp_path, 1)
    gto(tmp_path, ["register", "churn"], ["assign", "churn", "--stage", "prod"], args)
    assert {each["reason"] for each in document(cli, tmp_path, "history", "churn")["events"]} == {""}


def test_verify_is_clean_and_then_names_what_was_deleted(world, cli):
    told = document(cli, world, "verify")
    assert (told["sound"], told["tags"], told["findings"], told["compared_with"]) == (True, 5, [], None)
    git(world, "tag", "-d", "churn#prod#1")
    found = document(cli, world, "verify", code=1)["findings"]
    assert [(each["kind"], each["tag"]) for each in found] == [("deleted", "churn#prod#1")]
    assert document(cli, world, "verify", "other")["sound"]
    assert document(cli, world, "show", "other")["latest"] == "v1.0.0"


def test_verify_asks_for_signatures_where_mlgit_yaml_does(world, cli):
    (world / "mlgit.yaml").write_text("mlgit: 1\nenvironments: [{name: prod, requires: {signed: true}}]\n")
    assert document(cli, world, "verify")["sound"]  # nobody has reviewed that
    git(world, "reset", "--quiet", "main")
    git(world, "add", "mlgit.yaml")
    git(world, "commit", "--quiet", "--message", "Ask for signatures")
    (world / "mlgit.yaml").unlink()
    found = document(cli, world, "verify", code=1)["findings"]
    assert [(each["kind"], each["tag"]) for each in found] == [("unsigned", "churn#prod#1"), ("unsigned", "churn#prod#2")]


def test_event_for_a_job_and_no_event_from_a_broken_chain(world, cli):
    found = document(cli, world, "event", "refs/tags/churn#prod#2")
    assert (found["event"]["version"], found["event"]["environment"]) == ("v1.1.0", "prod")
    assert cli(world, "model", "event", "v1.0").code == 2
    assert cli(world, "model", "event", "churn#prod#9").code == 2
    git(world, "tag", "churn#prod#9", "HEAD~1")
    assert document(cli, world, "event", "churn#prod#9", code=1)["event"] is None


def test_hostile_text_is_shown_and_not_obeyed(world, cli):
    at = git(world, "rev-parse", "main")
    tag(world, "evil@v1.0.0", at, when=START + 50, text="\x1b[31mred\x1b[0m\n\n\x1b]0;title\x07\n")
    for args in (("show", "evil@v1.0.0"), ("history", "evil"), ("event", "evil@v1.0.0")):
        assert "\x1b" not in cli(world, "model", *args).out


_ODD = {
    "facts of other shapes": 'event: {"a": [1]}\nversion: [2]\n'
    'model: [3]\nmetrics: {"auc": [4]}\ndata: {"a": 5}\noverride: [6]\ngate: 7\n',
    "nothing at all": "event: null\nversion: null\nmodel: null\nmetrics: null\ndata: null\noverride: null\n",
    "lone surrogates": 'event: "\\ud800"\noverride: {"reason": "\\ud800"}\nmetrics: {"\\ud800": 1}\n',
}


@pytest.mark.parametrize("odd", _ODD)
def test_facts_that_are_not_what_they_should_be_are_no_defect(world, cli, odd):
    at = git(world, "rev-parse", "main")
    tag(world, "odd@v1.0.0", at, when=START + 50, text=f"x\n---\nmlgit: 1\n{_ODD[odd]}")
    tag(world, "odd#prod#1", at, when=START + 60, text=f"x\n---\nmlgit: 1\n{_ODD[odd]}")
    asked = [
        ("list",),
        ("show", "odd"),
        ("show", "odd@v1.0.0"),
        ("show", "odd#prod"),
        ("history", "odd"),
        ("event", "odd#prod#1"),
    ]
    for args in (*asked, ("verify",), ("verify", "odd")):
        for options in ((), ("--json",)):
            assert cli(world, "model", *args, *options).code in (0, 1), args


@pytest.mark.parametrize("time", [10**17, 0], ids=["far future", "long ago"])
def test_times_beyond_measure_are_no_defect(world, cli, time):
    at = git(world, "rev-parse", "main")
    text = f"object {at}\ntype commit\ntag late@v1.0.0\ntagger Eve <eve@example.com> {time} +0000\n\nx\n"
    oid = git(world, "hash-object", "-t", "tag", "-w", "--stdin", "--literally", stdin=text)
    git(world, "update-ref", "refs/tags/late@v1.0.0", oid)
    for args in (("list",), ("show", "late"), ("show", "late@v1.0.0"), ("history", "late"), ("verify", "late")):
        for options in ((), ("--json",)):
            assert cli(world, "model", *args, *options).code == (1 if time and args[0] == "verify" else 0), args


def test_name_is_told_as_seen_from_the_current_folder(world, cli):
    at = git(world, "rev-parse", "main")
    tag(world, "models/nlp=seg@v1.0.0", at, when=START, text=chained(world))
    inside = world / "models" / "nlp"
    (inside / "deeper").mkdir(parents=True)
    for folder, name in ((world, "models/nlp:seg"), (inside, "seg"), (inside / "deeper", "seg"), (world / "models", "nlp:seg")):
        found = document(cli, folder, "show", f"{name}@v1.0.0")
        assert (found["name"], found["version"]) == ("models/nlp:seg", "v1.0.0")
    assert cli(world, "model", "show", "seg").code == 2


def test_clone_that_may_lack_tags_says_so(world, cli, tmp_path):
    for options in (["--depth=1"], ["--no-tags"]):
        clone = tmp_path / options[0]
        git(world, "clone", "--quiet", *options, f"file://{world}", str(clone))
        assert "git fetch --tags" in cli(clone, "model", "list").err
    assert cli(world, "model", "list").err == ""


def test_verify_in_a_clone_without_tags_is_no_answer(world, cli, tmp_path_factory):
    clone = tmp_path_factory.mktemp("clone") / "c"
    git(world, "clone", "--quiet", "--no-tags", f"file://{world}", str(clone))
    done = cli(clone, "model", "verify")
    assert (done.code, "git fetch --tags" in done.err) == (2, True)
