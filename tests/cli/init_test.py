"""`mlgit init`: what it writes, what it leaves alone, and what it says about a project without guessing."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from mlgit import __version__, config
from mlgit.adapters.formats.documents import parse_yaml
from mlgit.scaffold import ci_jobs, metric_names, surroundings
from mlgit.scaffold.ci_jobs import JobSetup
from mlgit.scaffold.draft import Known, draft
from tests.kit import commit, example, git, repository, write_tree
from tests.kit.console import Shell

OWN = {".mlgit-template.yaml", ".mlgit.schema.json", "mlgit.yaml", "requirements.txt", "mlgit-requirements.txt"}
NAMES = ("check", "publish", "release", "retrain", "verify")

PIPELINE = """\
stages:
  score:
    cmd: cp predictions.txt predictions.csv && cp measured.txt reports/metrics.json
    deps: [predictions.txt, measured.txt]
    outs: [predictions.csv]
    metrics: [{reports/metrics.json: {cache: false}}]
artifacts:
  churn: {path: predictions.csv, type: model}
"""


def flows(prefix=""):
    actions = {f".github/actions/{prefix}{name}/action.yml" for name in ("setup", "deploy")}
    return {f".github/workflows/{prefix}{name}.yml" for name in NAMES} | actions


@pytest.fixture
def bare(tmp_path):
    """A Git repository without DVC."""
    root = tmp_path / "project"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch", "trunk")
    return root


@pytest.fixture
def measured(tmp_path, cli):
    """A DVC project after a run, with a metric and a table of predictions."""
    sources = {"predictions.txt": "id,label,prediction\na,1,1\n", "measured.txt": json.dumps({"f1": 1.0, "no": {"on": 2}})}
    root = repository(tmp_path / "project", {"dvc.yaml": PIPELINE, **sources})
    write_tree(root, {"reports/.gitkeep": ""})
    assert cli(root, "run").code == 0
    return root


def test_outside_git_nothing_is_written_and_the_hint_is_git_init(tmp_path, cli):
    done = cli(tmp_path, "init")
    assert (done.code, "git init" in done.err, list(tmp_path.iterdir())) == (2, True, [])


def test_folder_that_is_not_there(bare, cli):
    done = cli(bare, "init", "nowhere")
    assert (done.code, "mlgit new DIR" in done.err) == (2, True)


@pytest.mark.slow
def test_dry_run_names_every_file_and_writes_none(bare, cli):
    said = cli(bare, "init", "--dry-run", "--json").json
    assert [path.name for path in bare.iterdir()] == [".git"]
    done = cli(bare, "init", "--json").json
    assert (said["written"], said["started_dvc"]) == (done["written"], done["started_dvc"])
    assert {*done["written"]} == {*OWN, *flows()}


@pytest.mark.slow
def test_repository_becomes_a_project_that_commands_work_in(bare, cli):
    done = cli(bare, "init")
    assert done.code == 0, done.err
    assert "# declare in dvc.yaml what is to be run" in done.out
    assert f"\nmlgit=={__version__}\n" in (bare / "mlgit-requirements.txt").read_text()
    check = parse_yaml((bare / ".github/workflows/check.yml").read_text(), name="check")
    assert check["on"]["push"]["branches"] == ["trunk"]
    assert "code" not in check["jobs"]
    commit(bare, "Bring in mlgit")
    assert cli(bare, "status").code == 0
    assert json.loads((bare / ".mlgit.schema.json").read_text()) == config.document_schema()


@pytest.mark.slow
def test_second_call_changes_nothing(bare, cli):
    cli(bare, "init")
    before = {path: path.read_bytes() for path in bare.rglob("*") if path.is_file() and ".git/" not in str(path)}
    again = cli(bare, "init", "--json")
    assert (again.code, again.json["written"], again.json["started_dvc"]) == (0, [], False)
    assert {*again.json["left"]} == {*OWN, *flows()}
    assert before == {path: path.read_bytes() for path in before}


@pytest.mark.slow
def test_files_that_are_there_are_left_as_they_are(bare, cli):
    mine = {"mlgit.yaml": "mlgit: 1\n", ".github/workflows/check.yml": "run: mlgit ci run\n", "requirements.txt": "pandas\n"}
    write_tree(bare, mine)
    done = cli(bare, "init")
    assert {path: (bare / path).read_text() for path in mine} == mine
    assert [f"left alone {path}: there already" in done.out for path in mine] == [True, True, True]


@pytest.mark.slow
@pytest.mark.parametrize(
    "path", [".github/workflows/release.yml", ".github/actions/setup/action.yml", ".github/actions/deploy/action.yml"]
)
def test_names_that_somebody_else_uses_are_left_to_them(bare, cli, path):
    write_tree(bare, {path: "name: mine\n"})
    done = cli(bare, "init", "--json")
    assert {*done.json["written"]} == {*OWN, *flows("mlgit-")}
    publish = parse_yaml((bare / ".github/workflows/mlgit-publish.yml").read_text(), name="publish")
    assert publish["on"]["workflow_run"]["workflows"] == ["mlgit-check"]
    (bare / ".github/workflows/mlgit-check.yml").write_text("changed: by its owner\n")
    assert cli(bare, "init", "--json").json["written"] == []


@pytest.mark.slow
def test_deployment_that_its_owner_has_written_is_still_the_one_of_the_workflows(bare, cli):
    assert cli(bare, "init").code == 0
    (bare / ".github/actions/deploy/action.yml").write_text("name: mine\n")
    assert cli(bare, "init", "--json").json["written"] == []


def test_link_that_leads_out_of_the_repository_is_not_followed(bare, cli, tmp_path):
    (tmp_path / "outside").mkdir()
    (bare / ".github").symlink_to(tmp_path / "outside")
    done = cli(bare, "init")
    assert (done.code, "leads out of the repository" in done.err) == (2, True)
    assert [*(tmp_path / "outside").iterdir()] == []
    assert not (bare / ".dvc").exists()


def test_place_where_git_ignores_dvc_is_refused(bare, cli):
    write_tree(bare, {".gitignore": ".dvc\n"})
    done = cli(bare, "init")
    assert (done.code, "ignored by Git" in done.err, [path.name for path in bare.iterdir()].count(".github")) == (2, True, 0)


@pytest.mark.slow
def test_pipeline_that_cannot_be_read_is_told_and_the_next_call_goes_on(bare, cli):
    write_tree(bare, {"dvc.yaml": "stages: {a: {cmd: }}\n", ".dvcignore": "mine\n"})
    done = cli(bare, "init")
    assert (done.code, "stages.a.cmd" in done.err, (bare / "mlgit.yaml").exists()) == (2, True, False)
    (bare / "dvc.yaml").unlink()
    assert cli(bare, "init").code == 0
    assert (bare / ".dvcignore").read_text() == "mine\n"


@pytest.mark.slow
def test_project_in_a_subfolder_has_its_workflows_at_the_top(bare, cli):
    (bare / "models/Churn_2").mkdir(parents=True)
    done = cli(bare, "init", "models/Churn_2", "--json")
    assert done.code == 0, done.err
    assert {*done.json["written"]} == {*(f"models/Churn_2/{path}" for path in OWN), *flows("models-churn-2-")}
    assert not (bare / ".dvc").exists()
    assert (bare / "models/Churn_2/.dvc/config").is_file()
    check = parse_yaml((bare / ".github/workflows/models-churn-2-check.yml").read_text(), name="check")
    assert check["jobs"]["review"]["defaults"]["run"]["working-directory"] == "models/Churn_2"
    assert cli(bare / "models/Churn_2", "status").code == 0
    inner = cli(bare / "models/Churn_2", "init", "--json")
    assert (inner.code, inner.json["written"]) == (0, [])


@pytest.mark.slow
def test_folder_inside_a_project_is_refused(bare, cli):
    cli(bare, "init")
    (bare / "src").mkdir()
    done = cli(bare, "init", "src")
    assert (done.code, "inside the DVC project" in done.err) == (2, True)


def test_folder_that_a_workflow_cannot_name_is_refused(bare, cli):
    (bare / "a $(touch x)").mkdir()
    done = cli(bare, "init", "a $(touch x)")
    assert (done.code, "project_folder" in done.err) == (2, True)
    assert not (bare / ".github").exists()


@pytest.mark.parametrize("word", ["project_folder=x", "tests=perhaps", "colour=red", "python_version=2.7"])
def test_answer_that_is_none_is_refused(bare, cli, word):
    assert cli(bare, "init", "--set", word).code == 2
    assert not (bare / ".github").exists()


@pytest.mark.slow
def test_answers_reach_the_workflows(bare, cli):
    assert cli(bare, "init", "--set", "tests=yes", "--set", "environment=prod", "--set", "requirements=ci/all.txt").code == 0
    assert "code" in parse_yaml((bare / ".github/workflows/check.yml").read_text(), name="check")["jobs"]
    assert 'promote "$GITHUB_REF_NAME" prod --dry-run' in (bare / ".github/workflows/release.yml").read_text()
    assert (bare / "ci/all.txt").exists()


@pytest.mark.slow
def test_mlgit_yaml_says_what_could_be_read_and_asks_for_the_rest(measured, cli):
    assert cli(measured, "init").code == 0
    text = (measured / "mlgit.yaml").read_text()
    found = config.parse(parse_yaml(text, name="mlgit.yaml"))
    assert found.directions == {"f1": "higher"}
    assert [rule.metric for rule in found.gates.rules] == ["f1"]
    model = found.models["churn"]
    assert (model.metrics, model.predictions, model.id) == ("reports/metrics.json", "predictions.csv", "id")
    assert cli(measured, "diff", "HEAD").code == 0


SOME = {"m.json": ("f1", "steps", "train.loss")}


@pytest.mark.parametrize(
    "known",
    [
        Known(),
        Known(artifacts=("a", "b"), metrics={"m.json": ("x",)}, tables={"t.csv": ("id", "label", "prediction")}),
        Known(artifacts=("a",), metrics={"m.json": (), "n.json": ("true", "1e5", "a b", '"', "#")}),
        Known(artifacts=("null",), tables={"a\nb: c": ("label", "prediction")}, metrics={"x\n#": ("y",)}),
        Known(metrics={"m.json": ("steps",)}),
        Known(artifacts=("a",), tables={"one.csv": ("label", "prediction"), "two.csv": ("label", "prediction")}),
    ],
)
def test_draft_is_valid_and_where_there_is_a_choice_nothing_is_chosen(known):
    found = config.parse(parse_yaml(draft(known), name="mlgit.yaml"))
    assert tuple(found.models) == (known.artifacts or (("model",) if any(known.metrics.values()) else ()))
    if len(known.artifacts) > 1 or len(known.metrics) > 1:
        assert all(not model.metrics for model in found.models.values())
    if len(known.artifacts) > 1 or len(known.tables) > 1:
        assert all(not model.predictions for model in found.models.values())


@pytest.mark.parametrize("known", [Known(artifacts=("churn",)), Known(artifacts=("churn",), metrics=SOME), Known(metrics=SOME)])
def test_every_line_of_the_draft_can_be_uncommented_by_itself_and_all_of_them(known):
    lines = draft(known).splitlines()
    keys = [n for n, line in enumerate(lines) if re.match(r" +# (- )?\w+: ?[\w{\[]", line)]
    assert keys
    for chosen in ({each} for each in keys):
        text = "\n".join(line.replace("# ", "", 1) if n in chosen else line for n, line in enumerate(lines))
        config.parse(parse_yaml(text, name="mlgit.yaml"))


@pytest.mark.parametrize(("name", "way"), [("eval.test_accuracy", "higher"), ("dice_multi", "higher"), ("valRMSE", "lower")])
def test_direction_is_told_by_a_name_with_one_meaning(name, way):
    assert metric_names.direction(name) == way


@pytest.mark.parametrize("name", ["step", "score", "gain", "accuracy_loss", "time", "", "error"])
def test_direction_of_other_names_is_not_guessed(name):
    assert metric_names.direction(name) == ""


@pytest.mark.parametrize(
    ("files", "path", "content"),
    [
        ({"src/requirements.txt": "x\n"}, "src/requirements.txt", None),
        ({"pyproject.toml": "[project]\nname='a'\n", "uv.lock": ""}, "requirements.txt", "-e .\n"),
        ({"pyproject.toml": "[tool.ruff]\n"}, "requirements.txt", None),
        ({"setup.py": ""}, "requirements.txt", "-e .\n"),
        ({"environment.yml": ""}, "requirements.txt", None),
        ({"Pipfile": ""}, "requirements.txt", None),
        ({"requirements.txt": "x\n"}, "requirements.txt", None),
    ],
)
def test_workflows_install_what_the_project_has(tmp_path, files, path, content):
    found = surroundings.requirements(write_tree(tmp_path, files))
    assert found.path == path
    assert found.content.startswith(content or "# What the code of the stages imports")
    assert bool(found.notes) == bool({"uv.lock", "environment.yml", "Pipfile"} & {*files})


_JOB = JobSetup("models/a b", "requirements.txt", "3.12")
_OTHERS = (".gitlab-ci.yml", "Jenkinsfile", "azure-pipelines.yml", ".circleci/config.yml", ".github/workflows/cml.yaml")


@pytest.mark.parametrize("path", _OTHERS)
def test_other_ci_is_mentioned_with_what_to_do_and_a_job_to_copy(tmp_path, path):
    write_tree(
        tmp_path, {path: "run: dvc repro && cml comment create report.md\n", ".github/workflows/lint.yml": "run: ruff\n"}
    )
    (found,) = surroundings.other_ci(tmp_path, check="check.yml", job=_JOB)
    assert (found.path, path in found.note, "mlgit ci run" in found.note) == (path, True, True)
    text = "\n".join(found.lines)
    assert "cd 'models/a b'" in text
    assert "bin/mlgit ci run" in text
    assert len(found.lines) <= 14
    write_tree(tmp_path, {path: f"cml\n{text}\n"})
    assert surroundings.other_ci(tmp_path, check="check.yml", job=_JOB) == ()


@pytest.mark.parametrize("path", [".gitlab-ci.yml", "azure-pipelines.yml", ".github/workflows/cml.yml"])
def test_job_for_a_file_of_yaml_is_what_such_a_file_holds(path):
    top = JobSetup(".", "ci/requirements one.txt", "3.12")
    read = yaml.safe_load("\n".join(ci_jobs.lines(path, top)))
    told = read["mlgit"] if path == ".gitlab-ci.yml" else read
    assert "pip install -r 'ci/requirements one.txt'" in str(told).replace("\\", "")
    assert "mlgit-report" in str(told)


@pytest.mark.slow
def test_job_for_gitlab_refuses_a_worse_model_and_leaves_its_report(tmp_path, cli):
    stage = "stages: {a: {cmd: cp p.json m.json, deps: [p.json], metrics: [{m.json: {cache: false}}]}}\n"
    root = repository(tmp_path / "project", {"dvc.yaml": stage, "p.json": '{"accuracy": 0.9}', ".gitlab-ci.yml": "a: {}\n"})
    assert [cli(root, each).code for each in ("run", "init")] == [0, 0]
    commit(root)
    git(root, "switch", "--quiet", "--create", "worse")
    (root / "p.json").write_text('{"accuracy": 0.5}')
    commit(root)
    job = yaml.safe_load("\n".join(cli(root, "init", "--dry-run", "--json").json["jobs"][0]["lines"]))["mlgit"]
    # what is installed is here already
    scripts = [each.replace("~/mlgit/bin/", "") for each in job["script"] if "install" not in each]
    shell = Shell(root, example.environment() | {"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main"})
    assert [shell.type(each)[0] for each in scripts] == [1]
    assert (root / job["artifacts"]["paths"][0] / "report.json").is_file()


def test_dataset_and_cloud_artifacts_are_no_models(tmp_path, cli):
    declared = "artifacts: {a: {path: d.csv, type: dataset}, b: {path: 's3://x/m.pkl', type: model}, c: {path: m.pkl}}\n"
    root = repository(tmp_path / "project", {"dvc.yaml": declared})
    assert cli(root, "init").code == 0
    assert {*config.parse(parse_yaml((root / "mlgit.yaml").read_text(), name="m")).models} == {"c"}
    assert "a (dataset), b (model)" in (root / "mlgit.yaml").read_text()


@pytest.mark.slow
def test_draft_that_knew_less_is_filled_in_and_an_edited_one_is_not(tmp_path, cli):
    stage = "stages: {a: {cmd: cp m.txt m.json, deps: [m.txt], metrics: [m.json]}}\n"
    root = repository(tmp_path / "project", {"dvc.yaml": stage, "m.txt": '{"auc": 1}'})
    assert cli(root, "init").code == 0
    assert cli(root, "run").code == 0
    assert cli(root, "init", "--dry-run", "--json").json["written"] == ["mlgit.yaml"]
    before = (root / "mlgit.yaml").read_text()
    (root / "mlgit.yaml").write_text(before + "# mine\n")
    assert cli(root, "init", "--json").json["written"] == []
    (root / "mlgit.yaml").write_text(before)
    assert cli(root, "init", "--json").json["written"] == ["mlgit.yaml"]
    assert "auc: {direction: higher}" in (root / "mlgit.yaml").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("content", [b"\xff\xfe", None])
def test_configuration_that_cannot_be_read_is_no_defect_of_mlgit(bare, cli, content):
    if content is None:
        (bare / "mlgit.yaml").symlink_to("gone.yaml")
    else:
        (bare / "mlgit.yaml").write_bytes(content)
    assert cli(bare, "init", "--dry-run").code == 0
    assert cli(bare, "init").code == (0 if content is None else 2)


def test_models_of_several_folders_have_the_metrics_of_their_own():
    known = Known(artifacts=("a:one", "b:two"), metrics={"a/m.json": ("auc",), "b/m.json": ("auc",), "b/train.json": ("auc",)})
    found = config.parse(parse_yaml(draft(known), name="m"))
    assert {name: model.metrics for name, model in found.models.items()} == {"a:one": "a/m.json", "b:two": "b/m.json"}


def test_metrics_whose_names_differ_in_signs_have_rules_of_their_own():
    known = Known(metrics={"m.json": ("test.acc", "test-acc", "test acc")})
    rules = config.parse(parse_yaml(draft(known), name="m")).gates.rules
    assert {rule.metric for rule in rules} == {"test.acc", "test-acc", "test acc"}
    assert len({rule.id for rule in rules}) == 3


def test_top_of_a_monorepo_is_no_project(bare, cli):
    script = "import json\njson.dump({'accuracy': 1}, open('metrics.json', 'w'))\n"
    root = write_tree(bare, {f"models/{name}/train.py": script for name in ("churn", "fraud")})
    done = cli(root, "init")
    assert (done.code, "in models/churn, models/fraud some do" in done.err) == (2, True), done.said
    assert not (root / ".dvc").exists()


@pytest.mark.slow  # real `dvc init`, twice
def test_projects_of_a_monorepo_are_made_one_by_one(bare, cli):
    script = "import json\njson.dump({'accuracy': 1}, open('metrics.json', 'w'))\n"
    root = write_tree(bare, {f"models/{name}/train.py": script for name in ("churn", "fraud")})
    assert cli(root, "init", "models/churn").code == 0
    assert cli(root, "init", "models/fraud").code == 0


def test_folder_that_workflows_cannot_name_is_refused_with_what_to_do(bare, cli):
    root = write_tree(bare, {"models/churn rate/dvc.yaml": "stages: {}\n"})
    done = cli(root, "init", "models/churn rate")
    assert (done.code, "git mv" in done.err) == (2, True), done.said
