"""What a template.yaml may say, and how its faults are told."""

import pytest

from mlgit.errors import MlgitError
from mlgit.scaffold import manifest
from tests.scaffold.kit import HEAD, make_template, question


def test_manifest_is_read():
    parsed = manifest.parse({**HEAD, "questions": {"name": question(default="x"), "n": question("int", default=3)}})
    assert [(each.name, each.type, each.default) for each in parsed.questions] == [("name", "str", "x"), ("n", "int", 3)]


@pytest.mark.parametrize(
    ("questions", "said"),
    [
        ({"a": {"type": "str"}}, "questions.a.doc: missing"),
        ({"a": question("text")}, "questions.a.type: 'text' is not one of str"),
        ({"a": question(defualt=1)}, "questions.a.defualt: unknown key, did you mean 'default'?"),
        ({"a": question("int", default="x")}, "questions.a: default: expected a whole number"),
        ({"a": question("choice")}, "questions.a.choices: missing"),
        ({"a": question(choices={"x": "X"})}, "questions.a.choices: only a choice has them"),
        ({"a": question("choice", choices={"x": "X"}, default="y")}, "questions.a: default: 'y' is not one of x"),
        ({"a": question("int", pattern="x")}, "questions.a.pattern: only an answer of type str has one"),
        ({"a": question(pattern="(")}, "questions.a.pattern: not a regular expression"),
        ({"folder": question()}, "questions.folder: the name is taken by mlgit"),
        (
            {"a": question("multichoice", choices={"web": "w", "api": "a"}, requires={"web": ["apo"]})},
            "questions.a.requires: 'apo' is not a choice of a multichoice, did you mean 'api'?",
        ),
    ],
)
def test_fault_in_a_question_is_named(questions, said):
    with pytest.raises(MlgitError) as caught:
        manifest.parse({**HEAD, "questions": questions})
    assert caught.value.message.startswith(f"template.yaml: {said}")


def test_other_format_version_is_refused():
    with pytest.raises(MlgitError, match="mlgit_template: '2' is not one of 1"):
        manifest.parse({**HEAD, "mlgit_template": 2})


def test_empty_manifest_is_refused():
    with pytest.raises(MlgitError, match="mlgit_template: missing"):
        manifest.parse(None)


def test_condition_on_nothing_is_refused_with_the_near_miss():
    with pytest.raises(MlgitError, match=r"files.a.when: .*'dockre', did you mean 'docker'\?"):
        make_template({"a": ""}, questions={"docker": question("bool")}, files={"a": {"when": "dockre"}})


def test_condition_that_two_questions_know_is_refused():
    questions = {"docker": question("bool"), "features": question("multichoice", choices={"docker": "d"})}
    with pytest.raises(MlgitError, match=r"files.a.when: two questions know 'docker'"):
        make_template({"a": ""}, questions=questions, files={"a": {"when": "docker"}})


def test_rule_for_a_missing_file_is_refused_with_the_near_miss():
    with pytest.raises(MlgitError, match=r"files.\.gitignroe: the template has no such file, did you mean '.gitignore'\?"):
        make_template({"dot_gitignore": ""}, files={".gitignroe": {"executable": True}})


@pytest.mark.parametrize(
    ("stored", "written"),
    [
        ("dot_gitignore", ".gitignore"),
        ("a/dot_b/c.md.jinja", "a/.b/c.md"),
        ("my_dot_file", "my_dot_file"),
        ("a.jinja.jinja", "a.jinja"),
    ],
)
def test_names_of_stored_files_follow_the_two_rules(stored, written):
    assert manifest.written_name(stored) == written


@pytest.mark.parametrize(
    ("when", "expected"),
    [("", True), ("docker", True), ("web", True), ("api", False), ("ci=github", True), ("ci=none", False), ("git", False)],
)
def test_condition_holds_for_true_for_a_chosen_feature_and_for_a_choice(when, expected):
    answers = {"docker": True, "git": False, "features": ("web",), "ci": "github"}
    assert manifest.holds(when, answers) is expected


def test_extras_are_those_that_the_requirements_of_mlgit_name():
    asked = {"mlgit_requirement": question(default="mlgit")}
    plain, extra = (
        manifest.parse({**HEAD, "questions": asked, "generated": {"r.txt": what, "s.json": "mlgit-schema"}})
        for what in ("mlgit-requirements", "mlgit-requirements[data]")
    )
    assert (plain.extras, extra.extras) == ((), ("data",))
    with pytest.raises(MlgitError, match=r"generated\.r\.txt: no question 'mlgit_requirement'"):
        manifest.parse({**HEAD, "generated": {"r.txt": "mlgit-requirements[data]"}})
