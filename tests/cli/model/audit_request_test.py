"""`mlgit model audit --request`: from a logged answer to the version, who put it there, and its data."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace

import pytest

from mlgit.serving import log_header, log_lines
from mlgit.serving.log_header import LogHeader
from mlgit.serving.log_writer import PredictionLog
from tests.cli.model.get_test import tag
from tests.kit import git
from tests.kit.forked import mlgit
from tests.registry.projects import facts, made

pytestmark = pytest.mark.slow  # real repositories
PROMOTED, DURING, REPLACED = 3600, 7200, 36_000  # seconds after the commit
UUID = log_header.uuid7(1_777_800_000_000, entropy=bytes(10))


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project with v1.0.0, which was in prod for nine hours; all that is less than a day ahead of its commit."""
    root = made(tmp_path_factory.mktemp("audited") / "project", mlgit)
    model = facts(root).model
    sha256 = hashlib.sha256((root / model.path).read_bytes()).hexdigest()
    chain = ""
    for name, after, said in (
        ("churn@v1.0.0", 60, {"model": {"path": model.path, "md5": model.md5, "sha256": sha256}}),
        ("churn#prod#1", PROMOTED, {}),
        ("churn#prod!#2", REPLACED, {}),
    ):
        tag(
            root,
            name,
            facts=said | ({"previous": chain} if chain else {"event": "register"}),
            when=f"@{began(root) + after} +0000",
        )
        chain = f"{name} {git(root, 'rev-parse', name).strip()}"
    return root


def began(root) -> int:
    return int(git(root, "log", "-1", "--format=%ct"))


@pytest.fixture(scope="module")
def header(project):
    sha256 = hashlib.sha256((project / "models/churn.json").read_bytes()).hexdigest()
    commit = git(project, "rev-parse", "HEAD").strip()
    return LogHeader("churn", "v1.0.0", commit, sha256, "", ("x",), ("number",), outputs=("predict",))


@pytest.fixture(scope="module")
def line(project, header):
    def make(request_id=UUID, *, after=DURING, header=header, **more):
        said = {"inputs": [[3]], "outputs": {"predict": [1]}, "ms": 0.4} | more
        return log_lines.line(header, request_id=request_id, seconds=began(project) + after, **said)

    return make


def write(folder, header, *lines):
    log = PredictionLog(folder)
    log.append(header, lines)
    log.close()
    return folder


def audit(project, *args, stdin=""):
    return mlgit(project, "model", "audit", *args, stdin=stdin)


def document(project, *args, stdin=""):
    done = audit(project, *args, "--json", stdin=stdin)
    assert done.code in (0, 1), done.said
    return json.loads(done.out)


def test_answer_is_traced_to_version_promoter_and_data(project, header, line, tmp_path):
    log = write(tmp_path / "log", header, line("order-1"), line())
    done = audit(project, "--request", UUID, "--log", log)
    assert done.code == 0, done.said
    assert done.out.startswith("# Audit of `churn@v1.0.0`\n\n**PROVEN**\n")
    assert "a request that churn@v1.0.0 answered" in done.out
    request = done.out.partition("## Request\n")[2].partition("## Model")[0]
    for said in (UUID, log_header.stamp(began(project) + DURING), "champion", "predict: [1]", "Ada Example", "churn#prod#1"):
        assert said in request.replace("\\", ""), (said, request)
    found = document(project, "--request", UUID, "--log", log)
    assert (found["verdict"], found["version"]) == ("proven", "v1.0.0")
    assert found["requests"] | {"environments": [], "log": ""} == {
        "count": 1,
        "ids": [UUID],
        "first": log_header.stamp(began(project) + DURING),
        "last": log_header.stamp(began(project) + DURING),
        "roles": {"champion": 1},
        "codes": {"200": 1},
        "digest": header.digest,
        "answer": "predict: [1]",
        "log": "",
        "environments": [],
    }
    assert [each["since"]["tag"] for each in found["requests"]["environments"]] == ["churn#prod#1"]
    assert {each["path"] for each in found["data"]} == {"data/raw.csv", "data/test.csv", "data/train.csv"}


def test_uuid_alone_is_a_request(project, header, line, tmp_path):
    log = write(tmp_path, header, line())
    assert document(project, UUID, "--log", log) == document(project, "--request", UUID, "--log", log)


def test_log_of_the_project_needs_no_path(project, header, line, tmp_path):
    root = tmp_path / "project"
    shutil.copytree(project, root, symlinks=True)
    write(root / "logs" / "churn", header, line())
    found = document(root, UUID)
    assert (found["verdict"], found["requests"]["log"]) == ("proven", "logs/churn")


def test_version_without_request_has_no_such_section(project):
    assert document(project, "churn@v1.0.0")["requests"] is None
    assert "## Request" not in audit(project, "churn@v1.0.0").out


GAPS = {
    "the log says that churn@v1.0.0 is commit eeeeeeeeee, and its tag": {"commit": "e" * 40},
    "another model answered than churn@v1.0.0: sha256 dddddddddddddddd... by the log": {"digest": "d" * 64},
    "the log does not say which model's bytes answered": {"digest": ""},
    "the log says churn@v9.0.0, which is not registered; its model is that of churn@v1.0.0": {"version": "v9.0.0"},
    "the log says other@v1.0.0, which is not registered; its model is that of churn@v1.0.0": {"model": "other"},
}


@pytest.mark.parametrize(("what", "changes"), GAPS.items(), ids=GAPS)
def test_log_that_says_other_than_the_registry_is_a_gap(project, header, line, tmp_path, what, changes):
    other = replace(header, **changes)
    log = write(tmp_path, other, line(header=other))
    found = document(project, "--request", UUID, "--log", log)
    assert found["verdict"] == "gaps"
    assert [each for each in found["gaps"] if each["what"].startswith(what)], found["gaps"]
    assert all(each["todo"] for each in found["gaps"])


@pytest.mark.parametrize(
    ("moment", "is_proven", "late"),
    [
        (PROMOTED, True, 0),
        (REPLACED - 1, True, 0),
        (REPLACED + 30, True, 1),  # the server looks for new tags now and then
        (PROMOTED - 1, False, 0),
        (REPLACED + 120, False, 0),
    ],
)
def test_version_has_to_be_in_an_environment_when_it_answers(project, header, line, tmp_path, moment, is_proven, late):
    log = write(tmp_path, header, line("a", after=moment))
    found = document(project, "--request", "a", "--log", log)
    assert found["verdict"] == ("proven" if is_proven else "gaps")
    assert [each["late"] for each in found["requests"]["environments"]] == ([late] if is_proven else [])
    if not is_proven:
        assert [each["what"] for each in found["gaps"]] == [
            f"churn@v1.0.0 was in no environment at {log_header.stamp(began(project) + moment)}"
        ]


def test_line_of_a_log_is_a_request(project, header, line, tmp_path):
    said = line().decode()
    for found in (document(project, "--request", said), document(project, "--request", "-", stdin=said)):
        assert (found["verdict"], found["version"], found["asked"]) == ("proven", "v1.0.0", UUID)
    log = write(tmp_path, header, line())
    assert document(project, "--request", said, "--log", log)["verdict"] == "proven"


@pytest.mark.parametrize(
    "change", [{"outputs": {"predict": [0]}}, {"after": DURING + 1}, {"inputs": [[4]]}, {"request_id": "x"}]
)
def test_line_that_the_log_has_not_is_a_gap(project, header, line, tmp_path, change):
    log = write(tmp_path, header, line())
    found = document(project, "--request", line(**change).decode(), "--log", log)
    assert [each["what"].partition(",")[0] for each in found["gaps"]] == ["1 line of 1"]


def test_file_of_lines_is_judged_as_a_whole(project, header, line, tmp_path):
    path = tmp_path / "lines.jsonl"
    lines = [line(f"a{number}", after=DURING + number) for number in range(15)]
    path.write_bytes(header.line + b"".join(lines) + line("early", after=0))
    found = document(project, "--request", path)
    assert (found["requests"]["count"], len(found["requests"]["ids"])) == (16, 10)
    assert [each["requests"] for each in found["requests"]["environments"]] == [15]
    assert [each["what"] for each in found["gaps"]] == [
        f"churn@v1.0.0 was in no environment when 1 request of 16 came, the first at {log_header.stamp(began(project))}"
    ]
    assert "## Requests\n" in audit(project, "--request", path).out


def test_file_of_two_versions_has_an_audit_of_each(project, header, line, tmp_path):
    root = tmp_path / "project"
    shutil.copytree(project, root, symlinks=True)
    tag(root, "churn@v1.1.0", when=f"@{began(root) + 40_000} +0000")
    other = replace(header, version="v1.1.0")
    path = tmp_path / "lines.jsonl"
    path.write_bytes(header.line + line() + other.line + line("b", header=other))
    found = document(root, "--request", path)
    assert [each["version"] for each in found["audits"]] == ["v1.0.0", "v1.1.0"]
    assert found["verdict"] == "gaps"  # the second was in no environment
    page = audit(root, "--request", path)
    assert (page.code, page.out.count("# Audit of")) == (1, 2)
    refused = audit(root, "--request", path, "--format", "in-toto")
    assert (refused.code, "answered by 2 versions" in refused.err) == (2, True)


def test_shadow_answered_nobody(project, header, line, tmp_path):
    shadow = replace(header, version="v0.9.0", digest="f" * 64)
    log = write(tmp_path, shadow, line(header=shadow, role="shadow"))
    write(log, header, line())
    assert document(project, UUID, "--log", log)["requests"]["roles"] == {"champion": 1}


def test_id_that_was_used_twice_is_a_gap(project, header, line, tmp_path):
    other = replace(header, version="v9.0.0")
    log = write(tmp_path, header, line("a"))
    write(log, other, line("a", header=other))
    found = document(project, "--request", "a", "--log", log)
    assert {each["gaps"][0]["what"] for each in found["audits"]} == {
        "2 requests have this id, and several versions answered them"
    }


def test_model_that_nobody_registered_is_told(project, header, line, tmp_path):
    other = replace(header, model="other", version="v3.0.0", digest="f" * 64)
    done = audit(project, "--request", UUID, "--log", write(tmp_path, other, line(header=other)))
    assert done.code == 1
    assert done.out == f"{UUID}, answered by other@v3.0.0: belongs to no registered version\n"


def test_request_that_no_log_has_cannot_be_judged(project, header, line, tmp_path):
    done = audit(project, "--request", "nobody", "--log", write(tmp_path, header, line()))
    assert (done.code, "'nobody': no such request in" in done.err) == (2, True)
    done = audit(project, UUID)
    assert (done.code, "no prediction log in this project" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("args", "stdin", "said"),
    [
        ((), "", "name either"),
        (("churn", "--request", "x"), "", "name either"),
        (("churn", "--log", "x"), "", "--log goes with --request"),
        (("--request", "x", "--at", "2026-05-03"), "", "--at goes with"),
        (("--request", "{"), "", "line 1: not a line of a prediction log"),
        (("--request", "-"), "[1]\n", "no line of a prediction log"),
        (("--request", "-"), "", "no line of a prediction log"),
        (("--request", "-"), "[" * 100_000, "line 1: not a line"),
        (("--request", "mlgit.yaml"), "", "no line of a prediction log"),
    ],
)
def test_question_that_is_none_is_refused(project, args, stdin, said):
    done = audit(project, *args, stdin=stdin)
    assert (done.code, said in done.err) == (2, True), done.said


def test_what_the_log_says_is_escaped(project, header, line, tmp_path):
    nasty = "a|b`<script>\x1b[31m"
    other = replace(header, digest=nasty)
    path = tmp_path / "x.jsonl"
    path.write_bytes(other.line + line(nasty, header=other, role=nasty, outputs={"predict": [nasty]}))
    done = audit(project, "--request", path)
    assert "\x1b" not in done.said
    assert "<script>" not in done.out.replace("`<script>`", "")
