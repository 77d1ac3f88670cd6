"""The workflows that mlgit writes: sound by GitHub's syntax, by zizmor and shellcheck, and thin enough for a laptop."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from mlgit.adapters.formats.documents import parse_yaml
from mlgit.scaffold import answers, library
from mlgit.scaffold.render import render
from tests.kit import example, write_tree
from tests.kit.commands import parse
from tests.kit.workflows import ACTION, WORKFLOW, steps

pytestmark = pytest.mark.slow  # real repositories, many times

WAYS = {
    "new": {"tests": True, "cards": True, "environment": "staging"},
    "adopted": {},
    "subfolder": {
        "project_folder": "models/churn_2",
        "prefix": "models-churn-2-",
        "default_branch": "release/x",
        "tests": True,
    },
}
WORKFLOWS = ("check", "publish", "verify", "retrain", "release")
ALLOWED = {
    ("check", "review"): {"contents": "read"},
    ("check", "code"): {"contents": "read"},
    ("publish", "publish"): {"contents": "read", "actions": "read", "pull-requests": "write", "checks": "write"},
    ("verify", "rerun"): {"contents": "read", "id-token": "write"},
    ("verify", "publish"): {"contents": "read", "pull-requests": "write", "checks": "write"},
    ("retrain", "retrain"): {"contents": "read", "id-token": "write"},
    ("release", "release"): {"contents": "read", "id-token": "write"},
}
# Commands that a step may be besides mlgit: Git, what a project lists among its requirements, and a word of the shell.
PLAIN = ("git", "test", "echo", "mkdir", "python", "ruff")


def rendered(way):
    part = library.part("review")
    complete = answers.resolve(part.manifest, given=WAYS[way], facts={})
    return {path: content.decode() for path, (_, content) in render(part, complete).items()}


def documents(way):
    return {path: parse_yaml(text, name=path) for path, text in rendered(way).items()}


def workflows(way="new"):
    prefix = WAYS[way].get("prefix", "")
    found = documents(way)
    return {name: found[f".github/workflows/{prefix}{name}.yml"] for name in WORKFLOWS}


def tool(name):
    """A program of the environment the tests run in."""
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.exists() else name


def scan(folder, *options):
    argv = [tool("zizmor"), "--offline", "--persona", "pedantic", "--format", "json", "--no-progress", *options, "."]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True)
    return [each["ident"] for each in json.loads(done.stdout)]


every_way = pytest.mark.parametrize("way", WAYS)


@every_way
def test_zizmor_finds_nothing_and_one_finding_is_set_aside_with_a_reason(tmp_path, way):
    write_tree(tmp_path, rendered(way))
    assert scan(tmp_path) == []
    assert scan(tmp_path, "--no-ignores") == ["dangerous-triggers"]
    kept = [line for text in rendered(way).values() for line in text.splitlines() if "zizmor:" in line]
    assert [re.sub(r".*zizmor: ignore\[[a-z-]+\] ", "", line) != line for line in kept] == [True]


def test_zizmor_would_find_what_is_wrong(tmp_path):
    bad = rendered("new")[".github/workflows/check.yml"]
    bad = bad.replace("run: mlgit ci run", "run: echo ${{ github.event.pull_request.title }}")
    bad = re.sub(r"@[0-9a-f]{40} # v7.0.1", "@v7", bad, count=1).replace("permissions: {}", "permissions: write-all", 1)
    write_tree(tmp_path, {".github/workflows/check.yml": bad})
    assert {"template-injection", "unpinned-uses", "excessive-permissions"} <= {*scan(tmp_path)}


@every_way
def test_syntax_is_github_s(way):
    for path, document in documents(way).items():
        jsonschema.validate(document, WORKFLOW if "/workflows/" in path else ACTION)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("timeout-minutes:", "timeout-minute:"),
        ("runs-on: ubuntu-24.04", "runs-on: ubuntu-1804"),
        ("permissions: {}", "permissions: write-all"),
        ("contents: read", "content: read"),
        ("run: mlgit ci run", "uses: x"),
        ("pull_request:", "pull_requests:"),
    ],
)
def test_misspelt_syntax_would_be_found(right, wrong):
    text = rendered("new")[".github/workflows/check.yml"]
    assert right in text
    bad = parse_yaml(text.replace(right, wrong, 1), name="bad") if right != "run: mlgit ci run" else None
    if bad is None:
        bad = parse_yaml(text.replace(right, f"{right}\n        {wrong}", 1), name="bad")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(bad, WORKFLOW)


@every_way
def test_every_action_is_pinned_and_says_its_version(way):
    ours, pinned = r"\$/\.github/actions/[\w-]+", r"actions/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+"
    for text in rendered(way).values():
        for line in (line for line in text.splitlines() if "uses:" in line):
            assert re.fullmatch(rf" +uses: ({pinned}|{ours})", line), line


def test_one_action_has_one_pin():
    pins = re.findall(r"uses: (actions/[\w-]+)\S*@(\w+ # \S+)", "\n".join(rendered("new").values()))
    assert len({name for name, _ in pins}) == len({*pins}) == 6


@every_way
def test_rights_are_those_of_the_page_and_credentials_do_not_stay(way):
    found = {(name, job): each["permissions"] for name, flow in workflows(way).items() for job, each in flow["jobs"].items()}
    assert found == {key: ALLOWED[key] for key in ALLOWED if key != ("check", "code") or WAYS[way].get("tests")}
    for document in documents(way).values():
        for _, _, step in steps(document):
            if "actions/checkout" in step.get("uses", ""):
                assert step["with"]["persist-credentials"] is False


def test_what_may_write_runs_no_code_of_a_pull_request():
    publish = workflows()["publish"]
    refs = [step["with"].get("ref") for _, _, step in steps(publish) if "actions/checkout" in step.get("uses", "")]
    assert refs == ["${{ github.event.repository.default_branch }}"]
    # the other job that may write comes from a dispatch, and checks out the branch it was started on
    verify = workflows()["verify"]["jobs"]["publish"]
    assert [step.get("with", {}).get("ref") for step in verify["steps"] if "checkout" in step.get("uses", "")] == [None]


def test_no_expression_of_an_event_stands_in_a_script():
    for document in documents("new").values():
        for _, _, step in steps(document):
            assert "${{" not in step.get("run", "")


def test_caches_are_kept_from_the_default_branch_only_and_read_where_no_secret_is():
    saved = [
        (name, step) for name, flow in workflows().items() for _, _, step in steps(flow) if "cache/save" in step.get("uses", "")
    ]
    assert [(name, step["if"]) for name, step in saved] == [("check", "github.event_name == 'push'")]
    reading = [
        (name, job)
        for name, flow in workflows().items()
        for job, _, step in steps(flow)
        if step.get("with", {}).get("cache") == "true"
    ]
    assert reading == [("check", "review")]
    setup = documents("new")[".github/actions/setup/action.yml"]["runs"]["steps"]
    assert [step.get("run") for step in setup][-1] == "mlgit doctor --cache --deep --fix"
    assert not any("cache/save" in step.get("uses", "") for step in setup)


def test_runs_of_one_pull_request_replace_each_other_and_what_writes_is_never_cut_off():
    flows = workflows()
    assert "github.event_name == 'pull_request'" in flows["check"]["concurrency"]["cancel-in-progress"]
    assert {flows[name]["concurrency"]["cancel-in-progress"] for name in WORKFLOWS if name != "check"} == {False}


@every_way
def test_scripts_pass_shellcheck(tmp_path, way):
    for path, document in documents(way).items():
        for number, (_, _, step) in enumerate(steps(document)):
            if "run" in step:
                script = tmp_path / f"{Path(path).parent.name}-{Path(path).stem}-{number}.sh"
                script.write_text(f"#!/usr/bin/env bash\nset -eo pipefail\n{step['run']}\n")
    scripts = sorted(map(str, tmp_path.glob("*.sh")))
    assert scripts
    done = subprocess.run([tool("shellcheck"), *scripts], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def commands():
    """Every line that a step runs, of every workflow and action."""
    return sorted(
        {step["run"] for way in WAYS for each in documents(way).values() for _, _, step in steps(each) if "run" in step}
    )


def test_every_step_is_one_command():
    for line in commands():
        assert "\n" not in line.strip(), line
        assert shlex.split(line)[0] in ("mlgit", *PLAIN), line


@pytest.mark.parametrize("line", [line for line in commands() if line.startswith("mlgit")])
def test_every_mlgit_command_exists_and_takes_its_options(line):
    parse(shlex.split(line)[1:])


def test_deployment_is_asked_for_after_everything_was_proven():
    named = [step["name"] for _, _, step in steps(workflows()["release"])]
    assert named[-1] == "Deploy"
    lines = [step["run"].split() for _, _, step in steps(workflows()["release"]) if "run" in step]
    assert lines[0] == ["mlgit", "run", "--pull"]
    assert [line[2] for line in lines[1:]] == ["verify", "audit", "promote", "get"]


def test_tags_that_release():
    patterns = {way: workflows(way)["release"]["on"]["push"]["tags"] for way in WAYS}
    assert patterns["new"] == ["*@v*", "!*=*", "!*!"]
    assert patterns["subfolder"] == ["models/churn_2=*@v*", "!*!"]


def test_names_in_a_subfolder_do_not_meet_those_of_another_project():
    one, other = (set(rendered(way)) for way in ("new", "subfolder"))
    assert one & other == set()
    used = set(re.findall(r"uses: \$/(\S+)", "".join(rendered("subfolder").values())))
    assert {f"{path}/action.yml" for path in used} == {path for path in other if "/actions/" in path}
    publish = workflows("subfolder")["publish"]
    assert publish["on"]["workflow_run"]["workflows"] == [workflows("subfolder")["check"]["name"]]


@pytest.mark.slow
@pytest.mark.full
def test_steps_of_check_run_on_a_laptop(tmp_path, example_that_ran):
    def call(*argv, cwd=tmp_path):
        return subprocess.run(argv, cwd=cwd, env=example.environment(), capture_output=True, text=True)

    assert call(sys.executable, "-m", "mlgit", "new", example.NAME, "--defaults").returncode == 0
    root = tmp_path / example.NAME
    # all results but the last are there already, as in CI
    shutil.copytree(example_that_ran / ".dvc/cache", root / ".dvc/cache")
    shutil.copy(example_that_ran / "dvc.lock", root)
    example.forget(root, "reports/predictions.csv")
    found = parse_yaml((root / ".github/workflows/check.yml").read_text(), name="check")
    lines = [step["run"] for job, _, step in steps(found) if "run" in step and job in ("review", "code")]
    assert lines[0] == "mlgit ci run"
    for line in lines:
        done = call("bash", "-eo", "pipefail", "-c", line, cwd=root)
        assert done.returncode == 0, (line, done.stdout[-2000:], done.stderr[-2000:])
    call("git", "add", "--all", cwd=root)
    call("git", "commit", "--quiet", "--message", "Run the pipeline", cwd=root)
    assert call("git", "ls-files", "mlgit-report", cwd=root).stdout == ""
    call("git", "switch", "--quiet", "--create", "topic", cwd=root)
    call("git", "commit", "--quiet", "--allow-empty", "--message", "Nothing", cwd=root)
    assert call("bash", "-c", lines[0], cwd=root).returncode == 0
    report = json.loads((root / "mlgit-report/report.json").read_text())
    assert (report["state"], report["verdict"]) == ("nothing changed", "pass")
