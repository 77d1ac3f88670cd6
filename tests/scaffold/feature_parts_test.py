"""The parts that features are made of: sound as a template uses them, in a subfolder, and with nothing known of the code."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import jsonschema
import pytest

from mlgit.adapters.formats.documents import parse_yaml
from mlgit.scaffold import answers, library
from mlgit.scaffold.render import render
from tests.kit import FULL, write_tree
from tests.kit.commands import parse
from tests.kit.workflows import WORKFLOW, steps, table
from tests.scaffold.feature_files import WAYS, every_way, files_of, hooks, part_files, published, rendered, workflows
from tests.scaffold.workflows_test import scan, tool

ALLOWED = {
    ("image", "try"): {"contents": "read"},
    ("image", "publish"): {"contents": "read", "packages": "write", "id-token": "write", "attestations": "write"},
    ("notebooks", "execute"): {"contents": "read"},
    ("monitor", "watch"): {"contents": "write", "id-token": "write", "pull-requests": "read"},
    ("monitor", "retrain"): {"contents": "read", "id-token": "write"},
    ("package", "package"): {"contents": "read", "packages": "write", "id-token": "write", "attestations": "write"},
}
PLAIN = ("curl", "docker", "echo", "python", "nbstripout", "jupyter")


@every_way
def test_syntax_of_workflows_is_github_s(way):
    for document in workflows(way).values():
        jsonschema.validate(document, WORKFLOW)
        if FULL:
            published("github-workflows").validate(document)


@pytest.mark.slow
@every_way
def test_zizmor_finds_nothing(tmp_path, way):
    assert scan(write_tree(tmp_path, files_of(way))) == []
    assert not [text for text in files_of(way).values() if "zizmor:" in text]


def test_rights_are_no_more_than_each_job_needs():
    found = {(name, job): each["permissions"] for name, flow in workflows().items() for job, each in flow["jobs"].items()}
    assert found == ALLOWED
    # what may write runs nothing that is not merged
    assert "github.event_name != 'pull_request'" in workflows()["image"]["jobs"]["publish"]["if"]
    assert "default_branch" in workflows()["image"]["jobs"]["publish"]["if"]


def test_image_is_attested_by_the_digest_of_the_registry_where_github_can_keep_that():
    *_, login, push, digest, attest = workflows()["image"]["jobs"]["publish"]["steps"]
    assert [each["run"].split()[0] for each in (login, push)] == ["echo", "docker"]
    assert attest["with"]["subject-digest"] == f"${{{{ steps.{digest['id']}.outputs.digest }}}}"
    assert ".RepoDigests" in digest["run"]
    assert attest["if"] == "${{ !github.event.repository.private || vars.MLGIT_ATTEST == 'true' }}"


@every_way
def test_actions_are_pinned_as_in_the_other_workflows_and_scripts_are_one_command_without_expressions(way):
    other = "\n".join(content.decode() for _, content in render(library.part("review"), {**complete_review()}).values())
    pins = {**dict(re.findall(r"uses: (actions/[\w/-]+)@(\S+ # \S+)", other))}
    pins["actions/attest-build-provenance"] = "a2bbfa25375fe432b6a289bc6b6cd05ecd0c4c32 # v4.1.0"
    text = "\n".join(files_of(way).values())
    for action, pin in re.findall(r"uses: (actions/[\w/-]+)@(.*)$", text, re.MULTILINE):
        assert pins[action] == pin
    for document in workflows(way).values():
        for _, _, step in steps(document):
            assert "checkout" not in step.get("uses", "") or step["with"]["persist-credentials"] is False
            assert not {"\n", "${{"} & {*re.findall(r"\n|\$\{\{", step.get("run", ""))}
            assert "run" not in step or shlex.split(step["run"])[0] in ("mlgit", *PLAIN)


def complete_review():
    return answers.resolve(library.part("review").manifest, given={}, facts={})


@pytest.mark.slow
def test_scripts_pass_shellcheck(tmp_path):
    scripts = [step["run"] for way in WAYS for flow in workflows(way).values() for _, _, step in steps(flow) if "run" in step]
    scripts += [hook["entry"] for way in WAYS for hook in hooks(way) if hook["language"] == "system"]
    texts = [f"#!/usr/bin/env bash\nset -eo pipefail\n{each}\n" for each in sorted({*scripts})]
    texts += [text for way in WAYS for path, text in files_of(way).items() if path.endswith(".sh")]
    write_tree(tmp_path, {f"{number}.sh": text for number, text in enumerate(texts)})
    done = subprocess.run([tool("shellcheck"), *sorted(tmp_path.glob("*.sh"))], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def commands(way):
    """Every command line of mlgit that a file of a feature tells or runs."""
    for path, text in files_of(way).items():
        plain = text.replace('["mlgit", "run"]', "`mlgit run`")
        if path.endswith(".ipynb"):
            plain = "\n".join(line for cell in json.loads(text)["cells"] for line in cell["source"])
        for quoted, bare in re.findall(
            r"`(mlgit [^`]*)`|(?:&& |exec |run: |entry: |bin/)(mlgit [a-z-].*?)(?=[`']| && |$)", plain, re.MULTILINE
        ):
            yield quoted or bare
    for each in (parse_yaml(text, name=path) for path, text in files_of(way).items() if "/workflows/" in path):
        pattern = r'\bmlgit (?:[-\w ]|"[^"]*")+'
        yield from (found for _, _, step in steps(each) for found in re.findall(pattern, step.get("run", "")))


@every_way
def test_every_mlgit_command_exists_and_takes_its_options(way):
    lines = {line for line in commands(way) if not line.startswith("mlgit add FILE")} | {"mlgit add FILE"}
    assert {"mlgit run", "mlgit status", "mlgit --version"} <= lines
    for line in lines:
        parse(shlex.split(line)[1:])


def dockerfile_faults(text):
    """What is wrong with a Dockerfile, in a few words each."""
    joined = re.sub(r"\\\n", " ", text)
    lines = [line.split(maxsplit=1) for line in joined.splitlines() if line.strip() and not line.startswith("#")]
    stages = [rest.split()[-1] for word, rest in lines if word == "FROM" and " AS " in rest]
    bases = [rest.split()[0] for word, rest in lines if word == "FROM" and rest.split()[0] not in stages]
    runs = [rest for word, rest in lines if word == "RUN"]
    users = [rest for word, rest in lines if word == "USER"]
    faults = ["base without a version" for base in bases if not re.search(r":[^:/]*\d", base)]
    faults += ["runs as root"] if not users or users[-1].split(":")[0] in ("root", "0") else []
    faults += ["adds what it need not"] if any(word == "ADD" for word, _ in lines) else []
    faults += ["copies everything"] if any(word == "COPY" and rest.split()[0] == "." for word, rest in lines) else []
    faults += ["keeps apt's lists" for run in runs if "apt-get install" in run and "rm -rf /var/lib/apt/lists" not in run]
    faults += ["needs BuildKit"] if any("--mount" in run for run in runs) or "syntax=" in text else []
    faults += ["relative place"] if any(word == "WORKDIR" and not rest.startswith("/") for word, rest in lines) else []
    faults += ["pip keeps its cache"] if "pip install" in joined and "PIP_NO_CACHE_DIR=1" not in joined else []
    return faults + (["shell form"] if not any(word == "CMD" and rest.startswith("[") for word, rest in lines) else [])


@every_way
def test_dockerfile_is_sound(way):
    (text,) = [text for path, text in files_of(way).items() if path.endswith("Dockerfile")]
    assert dockerfile_faults(text) == []
    assert f"/project{'/models/churn_2' if way == 'subfolder' else ''}\nCMD" in text


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("USER 1000:1000\n", "", "runs as root"),
        ("COPY requirements.txt", "COPY .", "copies everything"),
        (" \\\n    && rm -rf /var/lib/apt/lists/*", "", "keeps apt's lists"),
        ('CMD ["mlgit", "run"]', "CMD mlgit run", "shell form"),
        ("RUN python", "RUN --mount=type=cache,target=/c python", "needs BuildKit"),
        ("PIP_NO_CACHE_DIR=1", "", "pip keeps its cache"),
    ],
)
def test_fault_of_a_dockerfile_would_be_found(old, new, fault):
    text = files_of("new")["Dockerfile"]
    assert old in text
    assert fault in dockerfile_faults(text.replace(old, new))


def test_image_has_the_python_of_the_workflows_by_digest_and_sees_no_other_file():
    assert re.search(
        r"^FROM python:3\.12\.\d+-slim-\w+@sha256:[0-9a-f]{64} AS base$", files_of("new")["Dockerfile"], re.MULTILINE
    )
    assert "FROM python:3.11-slim-trixie AS base\n" in files_of("bare")["Dockerfile"]
    rules = [line for line in files_of("new")[".dockerignore"].splitlines() if not line.startswith("#")]
    assert rules == ["*", "!requirements.txt", "!mlgit-requirements.txt"]
    copied = re.findall(r"^COPY (?!--from)(\S+)", files_of("new")["Dockerfile"], re.MULTILINE)
    assert [f"!{path}" for path in copied] == rules[1:]


def test_hooks_that_others_wrote_have_one_version():
    for each in hooks():
        assert each["language"] != "python" or each["additional_dependencies"] == ["pre-commit-hooks==6.0.0"]
    assert [each["id"] for each in hooks("bare")] == ["notebooks", "large-files", "private-keys", "conflicts", "status"]


@pytest.mark.parametrize(
    ("path", "is_looked_at"),
    [
        ("data/raw.csv", True),
        ("images.dvc", True),
        ("schemas/raw.odcs.yaml", True),
        ("dvc.lock", True),
        ("mlgit.yaml", True),
        ("src/data/raw.py", False),
        ("README.md", False),
        ("my-mlgit.yaml", False),
    ],
)
def test_data_is_checked_when_it_or_its_contract_changes(path, is_looked_at):
    for way, below in (("new", ""), ("subfolder", "models/churn_2/")):
        (files,) = [each["files"] for each in hooks(way) if each["id"] == "data"]
        assert bool(re.search(files, below + path)) is is_looked_at
    assert not re.search(files, "models/churn-2/" + path)


def test_hook_for_notebooks_knows_outputs_by_their_text():
    (entry,) = [each["entry"] for each in hooks() if each["id"] == "notebooks"]
    assert re.search(entry, '"execution_count": 3,')
    assert re.search(entry, '{"output_type": "stream"}')
    assert not re.search(entry, files_of("new")["notebooks/results.ipynb"])
    assert not re.search(entry, json.dumps('look for "output_type": here'))


PATHS = {"type": "array", "items": {"type": "string"}, "minItems": 1}
CONTAINER = table(
    {
        "name": {"type": "string"},
        "image": {"type": "string", "pattern": r"^[\w./-]+:[\w.-]+$"},
        "remoteUser": {"const": "vscode"},
        "postCreateCommand": {"type": "string"},
        "remoteEnv": {"type": "object", "additionalProperties": {"type": "string"}},
        "customizations": table({"vscode": table({"extensions": PATHS, "settings": {"type": "object"}})}),
    },
    required=("image", "remoteUser", "postCreateCommand"),
)


@every_way
def test_container_is_described_and_what_it_calls_is_there(way):
    ((path, text),) = [each for each in files_of(way).items() if each[0].endswith("devcontainer.json")]
    container = json.loads(text)
    jsonschema.validate(container, CONTAINER)
    shell, script = container["postCreateCommand"].split()
    assert (shell, script) == ("bash", f"{Path(path).parent}/setup.sh")
    assert part_files("devcontainer", way)[script][0] == "100755"
    assert container["remoteEnv"]["PATH"].startswith("/home/vscode/project/bin:/home/vscode/.local/bin:")


@every_way
def test_updates_are_described_as_github_wants_and_wait_a_week(way):
    updates = parse_yaml(files_of(way)[".github/dependabot.yml"], name="dependabot")
    published("dependabot").validate(updates)
    assert {each["cooldown"]["default-days"] for each in updates["updates"]} == {7}


def test_renovate_waits_a_week_too():
    renovate = json.loads(files_of("new")["renovate.json"])
    published("renovate").validate(renovate)
    assert renovate["minimumReleaseAge"] == "7 days"


def test_dependabot_looks_after_the_image_when_there_is_one():
    kinds = {
        way: [each["package-ecosystem"] for each in parse_yaml(files_of(way)[".github/dependabot.yml"], name="d")["updates"]]
        for way in WAYS
    }
    assert kinds == {way: ["pip", "github-actions", *(["docker"] if way != "bare" else [])] for way in WAYS}
    assert "docker" not in rendered("minimal", ("dependabot",))[".github/dependabot.yml"]
    assert "docker" in rendered("minimal", ("dependabot", "docker"))[".github/dependabot.yml"]


@pytest.mark.parametrize(
    ("right", "wrong"), [("default-days: 7", "default-dayz: 7"), ("package-ecosystem: pip", "package-ecosystem: pop")]
)
def test_misspelt_updates_would_be_found(right, wrong):
    text = files_of("new")[".github/dependabot.yml"]
    assert right in text
    with pytest.raises(jsonschema.ValidationError):
        published("dependabot").validate(parse_yaml(text.replace(right, wrong, 1), name="bad"))


@pytest.mark.parametrize("way", WAYS)
def test_notebook_reads_the_metrics_that_are_known_and_else_asks_for_them(way):
    path = next(path for path in part_files("notebooks", way) if path.endswith("results.ipynb"))
    code = json.loads(part_files("notebooks", way)[path][1])["cells"][1]["source"]
    assert "".join(code).count("name the JSON file with the metrics in METRICS") == (way == "bare")
    compile("".join(code), path, "exec")


def test_notebooks_are_executed_by_what_is_pinned():
    lines = [line for line in files_of("new")["notebooks-requirements.txt"].splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[\w-]+==[\d.]+", line) for line in lines)
    assert {line.split("==")[0] for line in lines} == {"ipykernel", "nbclient", "nbstripout"}
