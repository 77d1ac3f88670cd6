"""What is told to those who write templates."""

import pytest

from mlgit.commands.template_check import check_template
from mlgit.errors import MlgitError
from mlgit.scaffold import library
from tests.kit import commit, git, repository
from tests.scaffold.kit import question, write_template

FEATURES = question("multichoice", choices={"docker": "a", "k8s": "b"}, requires={"k8s": ["docker"]}, default=[])


def faults(folder, contents=None, **more):
    """What is found in a template, a line each."""
    return [str(each) for each in check_template(str(write_template(folder / "demo", contents or {"a": ""}, **more))).faults]


@pytest.mark.slow
@pytest.mark.parametrize("name", library.names())
def test_own_template_has_no_fault(name):
    result = check_template(str(library.shelf() / name))
    assert ([str(each) for each in result.faults], result.exit_code) == ([], 0)
    assert result.n_cases > 10


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("a.yaml", "a: [1\n", "a.yaml: line 2: "),
        ("a.yml", "a: 1\na: 2\n", "a.yml: line 2: "),
        ("a.json", "{\n,}\n", "a.json: line 2: "),
        ("a.toml", "a = 1\nb\n", "a.toml: line 2: "),
        ("n.ipynb", "{\n", "n.ipynb.json: line 2: "),
        ("a.py", "x = 1\nif:\n", "a.py: line 2: not Python: "),
        ("mlgit.yaml", "mlgit: 1\nmodel: {}\n", "mlgit.yaml: model: unknown key"),
        ("dvc.yaml", "stages:\n  a: {cmd: x, outs: [o]}\n  b: {cmd: x, outs: [o]}\n", "dvc.yaml: "),
        ("dvc.yaml", "stages:\n  a: {cmd: '${nope}'}\n", "dvc.yaml: "),
        ("dot_github/workflows/a.yml", "true: push\njobs: {}\n", ".github/workflows/a.yml: no `on:`"),
        ("a.txt.jinja", "ok\n[[ nope ]]\n", "demo/files/a.txt.jinja: line 2: 'nope' is undefined"),
    ],
)
def test_file_that_tools_cannot_read_is_named_with_its_line(tmp_path, file, text, said):
    (found,) = faults(tmp_path, {file: text})
    assert found.startswith(said)


@pytest.mark.parametrize(
    ("file", "text", "with_"),
    [
        ("a.yaml.jinja", "a: [[ title ]]\n", "title="),
        ("a.toml.jinja", 'a = "[[ title ]]"\n', "title="),
        ("a.json.jinja", '{"a": "[[ title ]]"}\n', "title="),
        ("a.py.jinja", "a = '[[ title ]]'\n", "title="),
        ("a.yaml.jinja", "[% if 'k8s' in features %]\na: [\n[% endif %]\nb: [[ title | yaml ]]\n", "features=docker,k8s"),
    ],
)
def test_answer_that_breaks_a_file_is_named(tmp_path, file, text, with_):
    asked = {"title": question(default="x"), "features": FEATURES}
    rules = {"docker.txt": {"when": "docker"}}
    contents = {file: text, "b.jinja": "[[ title ]]", "docker.txt": "", "k.jinja": "[[ features | yaml ]]"}
    found = faults(tmp_path, contents, questions=asked, files=rules)
    assert any(f"(with {with_}" in each for each in found), found


def test_answers_that_go_through_the_filters_break_nothing(tmp_path):
    contents = {
        "a.yaml.jinja": "a: [[ title | yaml ]]\n",
        "a.toml.jinja": "a = [[ title | toml ]]\n",
        "a.json.jinja": '{"a": [[ title | json ]]}\n',
        "a.py.jinja": "a = [[ title | python ]]\n",
    }
    assert faults(tmp_path, contents, questions={"title": question()}) == []


def test_what_changes_nothing_is_named(tmp_path):
    asked = {
        "title": question(default="x"),
        "features": FEATURES,
        "ci": question("choice", choices={"github": "a", "gitlab": "b", "none": "c"}, default="none"),
    }
    rules = {"d": {"when": "docker"}, "x/": {"when": "ci=github"}, "x/y": {"when": "ci=gitlab"}}
    found = faults(tmp_path, {"d": "", "x/y": "", "x/z": ""}, questions=asked, files=rules)
    assert [each.partition(": ")[2].removeprefix("line 1: ") for each in found] == [
        "questions.ci: the choice 'gitlab' changes no file",
        "questions.features: the feature 'k8s' changes no file",
        "questions.title: its answer is used nowhere",
        "x/y: ci=github and ci=gitlab never hold at once, so it is never written",
    ]


def test_program_that_would_be_a_plain_file_is_named(tmp_path):
    folder = write_template(tmp_path / "demo", {"run.sh": "#!/bin/sh\n", "b": "x"}, files={"b": {"executable": True}})
    (folder / "files" / "run.sh").chmod(0o755)
    found = [each.what for each in check_template(str(folder)).faults]
    assert [each.partition(":")[0] for each in found] == ["files.b", "files.run.sh"]


def test_version_that_was_not_raised_is_named(tmp_path):
    repository(tmp_path)
    folder = write_template(tmp_path / "demo", {"a": "x"})
    assert check_template(str(folder)).notes == ("no version is tagged yet, so there is none to compare with",)
    commit(tmp_path)
    git(tmp_path, "tag", "v1.2.3")
    assert check_template(str(folder)).faults == ()
    (folder / "files" / "b").write_text("new")
    (found,) = check_template(str(folder)).faults
    assert found.what == "version: 1.2.3 as in v1.2.3, though 1 file changed since: raise it"
    (folder / "template.yaml").write_text((folder / "template.yaml").read_text().replace("1.2.3", "1.3.0"))
    assert check_template(str(folder)).faults == ()


def test_manifest_at_fault_is_the_answer_and_no_manifest_is_none(tmp_path):
    folder = write_template(tmp_path / "demo", {"a": "x"}, files={"b": {}})
    result = check_template(str(folder))
    assert ([str(each) for each in result.faults], result.exit_code) == (
        ["demo/template.yaml: files.b: the template has no such file"],
        1,
    )
    with pytest.raises(MlgitError, match="no template there"):
        check_template(str(tmp_path))
