"""What a project may have besides its pipeline, in every template: each feature alone, and all of them together."""

from __future__ import annotations

import itertools
import json
import re
import shlex
import tomllib

import pytest

from mlgit import config
from mlgit.adapters.formats.documents import parse_yaml
from mlgit.scaffold import library
from tests.kit import FULL
from tests.kit.commands import parse
from tests.scaffold.feature_files import (
    FEATURES,
    TEMPLATES,
    UNSERVED,
    every_feature,
    every_template,
    features_of,
    files_of,
    part_files,
    rendered,
)


def question(name):
    (found,) = [each for each in library.load(name).manifest.questions if each.name == "features"]
    return found


@every_template
def test_every_template_has_the_same_features_in_the_same_words(name):
    offered = question("tabular-classification").choices
    assert [*question(name).choices.items()] == [(each, offered[each]) for each in features_of(name)]
    uses = {use.part: use.when for use in library.load(name).manifest.uses}
    assert {feature: uses.get(feature) for feature in features_of(name)} == {feature: feature for feature in features_of(name)}


@every_template
def test_readme_says_of_every_feature_what_to_do_and_nothing_without_any(name):
    pattern = r"## Beside the pipeline\n\n(.*?\n)\n"
    (found,) = re.findall(pattern, rendered(name, features_of(name))["README.md"], re.DOTALL)
    (least,) = re.findall(pattern, rendered("minimal", features_of("minimal"))["README.md"], re.DOTALL)
    assert found.startswith(least)
    assert found.count("\n| ") == len(features_of(name))
    assert "Beside the pipeline" not in rendered(name, ())["README.md"]


# Each feature once, with the templates taking turns: a part is the same part in all of them.
PAIRS = [(TEMPLATES[number % len(TEMPLATES)], feature) for number, feature in enumerate(features_of("minimal"))]
PAIRS += [("tabular-classification", "serving"), ("text-classification", "monitoring")]
# What a feature changes beside the README.
CHANGED = {"serving": ["mlgit.yaml"], "monitoring": ["dvc.yaml", "mlgit.yaml"]}
ALL = [(name, feature) for name in TEMPLATES for feature in features_of(name)]


@pytest.mark.parametrize(("name", "feature"), ALL if FULL else PAIRS)
def test_feature_brings_its_own_files_and_changes_the_readme_alone_or_what_declares_it(name, feature):
    plain, with_it = rendered(name, ()), rendered(name, (feature,))
    assert {*with_it} - {*plain} == {*part_files(feature, "new")}
    changed = ["README.md", *CHANGED.get(feature, ())]
    assert [path for path in plain if plain[path] != with_it[path]] == changed


@every_template
def test_all_features_are_the_files_of_each_and_no_file_belongs_to_two(name):
    features = features_of(name)
    everything, plain = rendered(name, features), rendered(name, ())
    assert {*everything} == {*plain}.union(*(part_files(feature, "new") for feature in features))
    assert len(everything) == len(plain) + sum(len(part_files(feature, "new")) for feature in features)
    for one, other in itertools.combinations(FEATURES, 2):
        assert {*part_files(one, "subfolder")}.isdisjoint(part_files(other, "subfolder"))


@every_template
def test_documents_of_a_project_with_all_features_are_read_back(name):
    for path, text in rendered(name, features_of(name)).items():
        assert text.endswith("\n"), path
        assert not re.search(r"[ \t]$|\r|\n\n\Z", text, re.MULTILINE), path
        if path.endswith((".yaml", ".yml")):
            parse_yaml(text, name=path)
        elif path.endswith((".json", ".ipynb")):
            json.loads(text)
        elif path.endswith(".toml"):
            tomllib.loads(text)


@every_feature
def test_parts_ask_the_same_questions_in_the_same_way(feature):
    review = {each.name: each for each in library.part("review").manifest.questions}
    for each in library.part(feature).manifest.questions:
        if each.name in review:
            same = review[each.name]
            assert (each.type, each.default, each.pattern, each.expects) == (
                same.type,
                same.default,
                same.pattern,
                same.expects,
            )


def test_files_of_a_project_in_a_subfolder_lie_there_or_have_its_name():
    shared = {".pre-commit-config.yaml", ".github/dependabot.yml", "renovate.json"}
    elsewhere = {path for path in files_of("subfolder") if not path.startswith("models/churn_2/")} - shared
    assert all("models-churn-2-" in path for path in elsewhere), elsewhere
    assert {path.removeprefix("models/churn_2/") for path in files_of("subfolder")} & {"Dockerfile", "AGENTS.md"}


@every_template
def test_agents_are_told_of_the_project_and_only_commands_that_exist(name):
    text = rendered(name, features_of(name))["AGENTS.md"]
    assert all(line.startswith(("- ", "  ", "# ")) or not line for line in text.splitlines())
    assert "the code is in `src/" in text.lower()
    lines = re.findall(r"`(mlgit [^`]*)`", text)
    assert len(lines) > 3
    for line in lines:
        parse(shlex.split(line)[1:])


@every_template
def test_notebook_keeps_nothing_and_reads_metrics_that_the_pipeline_makes(name):
    notebook = json.loads(rendered(name, ("notebooks",))["notebooks/results.ipynb"])
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert {(len(cell["outputs"]), cell["execution_count"]) for cell in code} == {(0, None)}
    assert [cell["id"] for cell in notebook["cells"]] == [str(number) for number in range(len(notebook["cells"]))]
    (metrics,) = re.findall(r'METRICS = "(.+)"', "".join(line for cell in code for line in cell["source"]))
    stages = parse_yaml(rendered(name, ())["dvc.yaml"], name="dvc.yaml")["stages"].values()
    assert metrics in {path for stage in stages for row in stage.get("metrics", ()) for path in row}


@every_template
def test_model_that_is_served_is_one_that_is_registered_by_a_contract_that_is_there(name):
    files = rendered(name, features_of(name))
    served = config.parse(parse_yaml(files["mlgit.yaml"], name="mlgit.yaml")).servings
    artifacts = parse_yaml(files["dvc.yaml"], name="dvc.yaml").get("artifacts", {})
    registered = {model for model, each in artifacts.items() if each["path"].endswith(".skops")}
    assert {*served} == (registered if name not in UNSERVED else {*()})
    assert all(not each.contract or each.contract in files for each in served.values())
    assert registered or name in UNSERVED
