"""Answers: where they come from, and which are refused."""

import pytest

from mlgit.errors import MlgitError
from mlgit.scaffold import answers
from tests.scaffold.kit import make_template, question

FACTS = {"folder": "my-model", "mlgit_version": "1.0"}
QUESTIONS = {
    "name": question(default="[[ folder ]]", pattern="[a-z-]+", expects="small letters"),
    "package": question(default="[[ name | identifier ]]"),
    "depth": question("int", default=3),
    "docker": question("bool", default=False),
    "ci": question("choice", choices={"github": "g", "none": "n"}, default="github"),
    "features": question("multichoice", choices={"api": "a", "web": "w", "docs": "d"}, default=[], requires={"web": ["api"]}),
}
MANIFEST = make_template(questions=QUESTIONS).manifest


def resolve(*assignments, ask=None, **more):
    given = answers.parse_assignments(assignments, MANIFEST)
    return answers.resolve(more.get("manifest", MANIFEST), given=given, facts=FACTS, ask=ask)


def test_defaults_may_use_facts_and_earlier_answers():
    assert resolve() == {
        "name": "my-model",
        "package": "my_model",
        "depth": 3,
        "docker": False,
        "ci": "github",
        "features": (),
    }


def test_default_follows_a_given_answer():
    assert resolve("name=other-one")["package"] == "other_one"


def test_words_become_values_of_the_questions_types():
    found = resolve("depth=-7", "docker=yes", "ci=none", "features=docs, api")
    assert (found["depth"], found["docker"], found["ci"], found["features"]) == (-7, True, "none", ("api", "docs"))


def test_text_may_hold_the_equals_sign_and_the_last_assignment_counts():
    assert resolve("package=x", "package=a=b")["package"] == "a=b"


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("depth=deep", "--set: depth: expected a whole number, found the text 'deep'"),
        ("docker=perhaps", "--set: docker: expected true or false, found the text 'perhaps'"),
        ("ci=githb", "--set: ci: 'githb' is not one of github, none, did you mean 'github'?"),
        ("features=docs,wep", "--set: features[1]: 'wep' is not one of api, web, docs, did you mean 'web'?"),
        ("features=web", "--set: features: 'web' requires 'api'"),
        ("name=A", "--set: name: 'A': expected small letters"),
        ("dept=1", "--set: dept: the template 'demo' asks no such question, did you mean 'depth'?"),
        ("depth", "--set depth: no '=' in it"),
        ("package=\udcff", "--set: package: not UTF-8 text"),
    ],
)
def test_bad_assignment_is_refused(assignment, said):
    with pytest.raises(MlgitError) as caught:
        resolve(assignment)
    assert caught.value.message == said


def test_hint_for_a_missing_feature_is_the_complete_list():
    with pytest.raises(MlgitError) as caught:
        resolve("features=web,docs")
    assert caught.value.hint == "add `--set features=api,web,docs`"


def test_pattern_must_match_as_a_whole():
    with pytest.raises(MlgitError, match="expected small letters"):
        resolve("name=good\nevil: true")


def test_answers_file_is_checked_by_type():
    assert answers.check_document({"depth": 4, "features": ["api"]}, MANIFEST, name="a.yaml") == {
        "depth": 4,
        "features": ("api",),
    }


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"depth": "4"}, "a.yaml: depth: expected a whole number, found the text '4'"),
        ({"featrues": []}, "a.yaml: featrues: the template 'demo' asks no such question, did you mean 'features'?"),
        ([1], "a.yaml: expected a mapping of answers"),
        ({"name": None}, "a.yaml: name: expected text, found nothing"),
    ],
)
def test_bad_answers_file_is_refused(document, said):
    with pytest.raises(MlgitError) as caught:
        answers.check_document(document, MANIFEST, name="a.yaml")
    assert caught.value.message == said


def test_question_without_default_must_be_answered():
    manifest = make_template(questions={"title": question()}).manifest
    with pytest.raises(MlgitError, match="no answer to 'title'") as caught:
        resolve(manifest=manifest)
    assert caught.value.hint == "add `--set title=...`"


def test_default_that_breaks_its_own_pattern_is_refused():
    manifest = make_template(questions={"name": question(default="my-[[ 'm' ]]odel", pattern="[a-z]+")}).manifest
    with pytest.raises(MlgitError, match=r"default answer: name: 'my-model': it does not match \[a-z\]\+"):
        resolve(manifest=manifest)


def test_default_that_uses_a_later_answer_is_refused():
    manifest = make_template(questions={"a": question(default="[[ b ]]"), "b": question(default="x")}).manifest
    with pytest.raises(MlgitError, match=r"demo/template.yaml: questions.a.default: line 1: 'b' is undefined"):
        resolve(manifest=manifest)


def test_only_what_is_not_given_is_asked_with_its_default():
    asked = {}

    def ask(each, presumed):
        asked[each.name] = presumed
        return presumed

    resolve("name=x", "ci=none", ask=ask)
    assert asked == {"package": "x", "depth": 3, "docker": False, "features": ()}


def test_what_is_expected_is_said_in_words():
    shown = [answers.expected(each) for each in MANIFEST.questions]
    assert shown == [
        "small letters",
        "text",
        "a whole number",
        "yes or no",
        "github | none",
        "any of api, web, docs, joined by commas",
    ]
