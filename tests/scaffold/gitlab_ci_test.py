"""The pipelines that mlgit writes for GitLab: sound by its schema and by shellcheck, and what is untrusted holds no secret."""

from __future__ import annotations

import functools
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from mlgit.adapters.formats.documents import parse_yaml
from mlgit.errors import MlgitError
from mlgit.scaffold import answers, ci_jobs, library
from mlgit.scaffold.ci_jobs import JobSetup
from mlgit.scaffold.render import render
from tests.kit import write_tree
from tests.kit.commands import parse
from tests.kit.gitlab_ci import jobs, lines

pytestmark = pytest.mark.slow  # checkers of their own

WAYS = {
    "new": {"tests": True, "cards": True, "environment": "staging"},
    "adopted": {"requirements": "", "image": f"registry.example.com:5000/ml/python:3.12.4@sha256:{'0' * 64}"},
    "subfolder": {"project_folder": "models/churn.2", "prefix": "models-churn-2-", "tests": True},
}
CHILDREN = ("check", "publish", "verify", "retrain", "monitor", "release")
DEFAULT_BRANCH = "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH"
# What a line may begin with besides mlgit: Git, what installs, what a project lists among its requirements, the shell's words.
PLAIN = ("git", "test", "cd", "pip", "python", "ruff", "echo", "ls")
# No is an answer, and the end of a job; what cannot be told fails it.
ENDS = "mlgit monitor trigger || exit $(($? - 1))"
MISSPELT = (
    ("stage: check", "stagee: check"),
    ("strategy: depend", "strategy: depends"),
    ("forward: {yaml_variables", "forward: {yml_variables"),
    ("interruptible: true", "interruptible: yes please"),
    ("- local: .gitlab/mlgit/check.yml", "- locale: .gitlab/mlgit/check.yml"),
    ("when: always", "when: ever"),
)

every_way = pytest.mark.parametrize("way", WAYS)


@functools.cache
def rendered(way):
    part = library.part("gitlab-ci")
    complete = answers.resolve(part.manifest, given=WAYS[way], facts={})
    return {path: content.decode() for path, (_, content) in render(part, complete).items()}


@functools.cache
def documents(way="new"):
    """The file at the top as "", its children by name."""
    prefix = WAYS[way].get("prefix", "")
    found = {path: parse_yaml(text, name=path) for path, text in rendered(way).items()}
    children = {name: found.pop(f".gitlab/{prefix}mlgit/{name}.yml") for name in CHILDREN}
    assert [*found] == [".gitlab-ci.yml"]
    return {"": found[".gitlab-ci.yml"], **children}


def every_job(way="new"):
    prefix = WAYS[way].get("prefix", "")
    rows = [(file, name, job) for file, document in documents(way).items() for name, job in jobs(document)]
    assert all(name.startswith(prefix) for _, name, _ in rows)
    return [(file, name.removeprefix(prefix), job) for file, name, job in rows]


def beside(name):
    return str(Path(sys.executable).parent / name)


@pytest.fixture(scope="module")
def refused(tmp_path_factory):
    """The files that GitLab's own schema refuses, of all that is rendered and of some that are misspelt."""
    folder = tmp_path_factory.mktemp("gitlab")
    text = rendered("new")[".gitlab-ci.yml"]
    assert [right for right, _ in MISSPELT if right not in text] == []
    wrong = {f"{number}.yml": text.replace(*pair, 1) for number, pair in enumerate(MISSPELT)}
    for way, files in [("wrong", wrong), *((way, rendered(way)) for way in WAYS)]:
        write_tree(folder / way, files)
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.yml"))
    assert len(files) == len(MISSPELT) + len(WAYS) * (len(CHILDREN) + 1)
    options = ("--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci", "--output-format", "json")
    done = subprocess.run([beside("check-jsonschema"), *options, *files], cwd=folder, capture_output=True, text=True)
    found = json.loads(done.stdout)
    assert not found.get("parse_errors")
    return {each["filename"] for each in found["errors"]}


def test_syntax_is_gitlab_s(refused):
    assert {path for path in refused if not path.startswith("wrong/")} == set()


def test_misspelt_syntax_would_be_found(refused):
    assert {path for path in refused if path.startswith("wrong/")} == {f"wrong/{each}.yml" for each in range(len(MISSPELT))}


@every_way
def test_scripts_pass_shellcheck(tmp_path, way):
    for number, (file, _, job) in enumerate(every_job(way)):
        if lines(job):
            text = "\n".join(lines(job))
            (tmp_path / f"{file}-{number}.sh").write_text(f"#!/usr/bin/env bash\nset -eo pipefail\n{text}\n")
    scripts = sorted(map(str, tmp_path.glob("*.sh")))
    assert len(scripts) >= 7
    done = subprocess.run([beside("shellcheck"), *scripts], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def commands():
    """Every line that a job types, as words: without the variable it takes away, and mlgit by its plain name."""
    found = {line for way in WAYS for _, _, job in every_job(way) for line in lines(job)}
    return sorted(line.removeprefix("env -u GITLAB_TOKEN ").replace("~/mlgit/bin/mlgit ", "mlgit ") for line in found)


def test_every_line_is_one_command():
    for line in commands():
        words = shlex.split(line)
        assert words[0] in ("mlgit", *PLAIN), line
        assert not {"|", ";", "||"} & {*words} or line == ENDS, line


@pytest.mark.parametrize("line", [line for line in commands() if line.startswith("mlgit ")])
def test_every_mlgit_command_exists_and_takes_its_options(line):
    parse(shlex.split(line.partition(" || ")[0])[1:])


def test_check_types_what_the_job_for_other_ci_types():
    (check,) = [job for file, name, job in every_job() if (file, name) == ("check", "pipeline and gates")]
    printed = parse_yaml("\n".join(ci_jobs.lines(".gitlab-ci.yml", JobSetup(".", "requirements.txt", "3.12"))), name="x")
    assert {*printed["mlgit"]["script"]} <= {*lines(check)}
    assert printed["mlgit"]["artifacts"].items() <= check["artifacts"].items()
    assert printed["mlgit"]["variables"].items() <= documents()["check"]["variables"].items()


@every_way
def test_every_child_is_started_by_one_job_that_hands_no_variable_over(way):
    files, prefix = rendered(way), WAYS[way].get("prefix", "")
    started = []
    for name, job in jobs(documents(way)[""]):
        assert job["trigger"]["forward"] == {"yaml_variables": False, "pipeline_variables": False}, name
        assert "variables" not in job
        started += [each["local"] for each in job["trigger"].get("include", ())]
    assert {*started} == {*files} - {".gitlab-ci.yml"} == {f".gitlab/{prefix}mlgit/{name}.yml" for name in CHILDREN}
    assert len(started) == len(CHILDREN)


@every_way
def test_what_a_merge_request_starts_names_no_environment_and_no_token(way):
    top = documents(way)[""]
    reached = {
        name.removeprefix(WAYS[way].get("prefix", "")) for name, job in jobs(top) if "merge_request" in str(job["rules"])
    }
    assert reached == {"check", "ask for the comment"}
    assert not re.search(r"environment|TOKEN|secrets|id_tokens", str(documents(way)["check"]))
    (ask,) = [job for name, job in jobs(top) if name.endswith("ask for the comment")]
    assert (ask["trigger"]["project"], ask["trigger"]["branch"]) == ("$CI_PROJECT_PATH", "$CI_DEFAULT_BRANCH")


@every_way
def test_what_names_an_environment_starts_on_the_default_branch_or_a_protected_tag_only(way):
    holding = {file for file, _, job in every_job(way) if "environment" in job}
    assert holding == {"publish", "verify", "retrain", "monitor", "release"}
    for name, job in jobs(documents(way)[""]):
        if name.removeprefix(WAYS[way].get("prefix", "")) in holding - {"release"}:
            assert all(rule["if"].startswith(DEFAULT_BRANCH) for rule in job["rules"])
            sources = [re.search(r'CI_PIPELINE_SOURCE == "(\w+)"', rule["if"])[1] for rule in job["rules"]]
            # what a merge request can start has nothing to say to what is started: it only looks for reports
            assert sources == (["pipeline", "schedule"] if name.endswith("publish") else ["schedule"])
    for file in holding:
        (rule,) = documents(way)[file]["workflow"]["rules"]
        assert rule["if"] == ("$CI_COMMIT_TAG" if file == "release" else DEFAULT_BRANCH)


@every_way
def test_cache_holds_only_what_is_read_before_it_is_believed(way):
    cached = [(file, name, job) for file, name, job in every_job(way) if "cache" in job]
    assert [(file, name) for file, name, _ in cached] == [("check", "pipeline and gates")]
    folder = {"subfolder": "models/churn.2/"}.get(way, "")
    (job,) = [job for _, _, job in cached]
    assert (job["cache"]["paths"], job["cache"]["key"]["files"]) == ([f"{folder}.dvc/cache/files/"], [f"{folder}dvc.lock"])
    assert job["script"][0].endswith("mlgit doctor --cache --deep --fix")
    assert "unprotect" not in job["cache"]  # one that a merge request fills is unpacked over the files of who reads it


def test_every_job_ends_in_time_and_what_writes_is_never_cut_off_or_doubled():
    for file, name, job in every_job():
        if not file:
            continue
        assert job["timeout"], name
        is_writing = "environment" in job and file != "release"
        assert is_writing == ("resource_group" in job) or name == "deploy", name
    interruptible = {file for file, document in documents().items() if document.get("default", {}).get("interruptible")}
    assert interruptible == {"check"}


@every_way
def test_images_are_named_with_a_tag(way):
    named = {each.get("image") or each.get("default", {}).get("image") for each in documents(way).values()}
    named |= {job["image"] for _, _, job in every_job(way) if "image" in job}
    assert named - {None} == {WAYS[way].get("image", "python:3.12-trixie")}


@pytest.mark.parametrize("image", ["python", "python:3.12@sha256:12", "python:3.12 --privileged", "py thon:3"])
def test_image_that_is_none_is_refused(image):
    with pytest.raises(MlgitError, match="an image with its tag"):
        answers.check_document({"image": image}, library.part("gitlab-ci").manifest, name="x")


@pytest.mark.parametrize(
    ("way", "right", "wrong"),
    [
        ("new", ["churn@v1.0.0", "a-b@v2.0.0-rc.1"], ["models/churn.2=a@v1.0.0", "churn@v1.0.0!", "churn#prod", "v1.0.0"]),
        ("subfolder", ["models/churn.2=a@v1.0.0"], ["churn@v1.0.0", "models/churnx2=a@v1.0.0", "models/churn.2=a@v1.0.0!"]),
    ],
)
def test_tags_that_release(way, right, wrong):
    (job,) = [job for name, job in jobs(documents(way)[""]) if name.endswith("release")]
    (rule,) = job["rules"]
    pattern = re.search(r"\$CI_COMMIT_TAG =~ /(.*)/ && \$CI_COMMIT_REF_PROTECTED == \"true\"$", rule["if"])[1]
    pattern = pattern.replace("\\/", "/")
    assert [bool(re.search(pattern, tag)) for tag in (*right, *wrong)] == [True] * len(right) + [False] * len(wrong)


def test_deployment_is_asked_for_after_everything_was_proven():
    release = dict(jobs(documents()["release"]))
    assert documents()["release"]["stages"] == [release["prove"]["stage"], release["deploy"]["stage"]]
    typed = [line.split() for line in release["prove"]["script"]]
    assert typed[0][1:] == ["run", "--pull"]
    assert [words[2] for words in typed[1:]] == ["verify", "audit", "promote", "get"]


def test_training_is_handed_no_token():
    (retrain,) = [job for file, _, job in every_job() if file == "retrain"]
    (monitor,) = [job for file, name, job in every_job() if (file, name.split()[0]) == ("monitor", "train")]
    for job, before in ((retrain, []), (monitor, [["monitor", "trigger"], ["install", "-r"]])):
        with_token = [line for line in job["script"] if not line.startswith("env -u GITLAB_TOKEN ")]
        assert [line.split()[1:3] for line in with_token] == [*before, ["ci", "propose"]]
        assert any(" run --pull" in line for line in job["script"])


def test_what_judges_runs_no_code_of_the_project():
    (judge,) = [job for file, name, job in every_job() if (file, name.split()[0]) == ("monitor", "judge")]
    assert [line.split()[0] for line in judge["script"]] == ["git", "git", "~/mlgit/bin/mlgit"]
    assert "requirements.txt" not in {word for line in lines(judge) for word in line.split()}


def test_page_names_what_the_files_hold():
    page = (Path(__file__).parents[2] / "docs/gitlab.md").read_text()
    schedules = set(re.findall(r'SCHEDULE_DESCRIPTION == "([^"]+)"', rendered("new")[".gitlab-ci.yml"]))
    environments = {job["environment"]["name"] for _, _, job in every_job() if "environment" in job}
    assert (len(schedules), environments) == (4, {"publish", "verify", "retrain", "monitor", "release"})
    files = {f"{name}.yml" for name in CHILDREN}
    variables = set(re.findall(r"MLGIT_VERIFY_\w+", rendered("new")[".gitlab/mlgit/verify.yml"]))
    images = {documents()["check"]["default"]["image"]}
    assert [word for word in files | schedules | environments | variables | images if f"`{word}`" not in page] == []
