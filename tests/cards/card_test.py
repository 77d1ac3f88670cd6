"""The text of a card: true to its material, valid for Hugging Face, the same on every machine."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from mlgit.adapters.formats.documents import parse_yaml
from mlgit.cards import frontmatter, profiles, review, usage
from mlgit.cards.card import build
from mlgit.cards.material import Replaced
from mlgit.cards.notes import Notes, NotesSection, parse
from mlgit.errors import MlgitError
from mlgit.evaluation.model_metrics import ModelMetric
from mlgit.registry.facts import DataFile, Step
from tests.cards.kit import BINARY, CONFIG, FACTS, NOTES, TEST, TRAIN, material, table, with_profile
from tests.kit.late import Late
from tests.render.prose_test import tokens

huggingface_hub = Late("huggingface_hub")


def with_slices(*columns):
    model = replace(CONFIG.models["churn"], slices=columns)
    return replace(CONFIG, models={"churn": model})


def text(made):
    return build(made).files["cards/churn.md"]


def body(made):
    return text(made).partition("\n---\n")[2]


def front(made):
    return parse_yaml(frontmatter.split(text(made)), name="card")


def test_card_is_valid_for_hugging_face_and_holds_its_metrics():
    card = huggingface_hub.ModelCard(text(material()))
    assert (card.data.license, card.data.library_name, card.data.pipeline_tag) == (
        "apache-2.0",
        "sklearn",
        "tabular-classification",
    )
    computed = {"roc_auc": 1.0}  # declared, and no file records it
    assert {each.metric_name: each.metric_value for each in card.data.eval_results} == dict(FACTS.metrics) | computed
    assert {(each.dataset_revision, each.dataset_split, each.task_type) for each in card.data.eval_results} == {
        (TEST, "test", "tabular-classification")
    }
    assert card.data.model_name == "churn"
    assert card.data.tags == ["tabular"]


@pytest.mark.parametrize(
    "notes",
    [Notes(), replace(NOTES, pipeline_tag=""), replace(NOTES, license="other", license_name="---\nx: y", tags=("no", "1.0"))],
)
def test_front_matter_is_valid_whatever_people_left_out_or_wrote(notes):
    made = material(notes=notes)
    card = huggingface_hub.ModelCard(text(made))
    assert card.data.license == (notes.license or None)
    assert yaml.safe_load(frontmatter.split(text(made))) == front(made)


def test_nothing_recorded_is_left_out():
    shown = text(material())
    for word in (
        TRAIN,
        TEST,
        "c" * 32,
        "d" * 64,
        "9" * 64,
        "train.rate",
        "0.1",
        "python train.py",
        "seed = 7",
        "skops",
        "Who will leave",
    ):
        assert word in shown, word
    assert "15 rows for training, 5 for the test" in shown
    assert "not stated" in shown


def test_card_does_not_name_its_commit():
    assert text(material(facts=replace(FACTS, commit="a1b2" * 10))) == text(material())


def test_order_of_mappings_does_not_matter():
    turned = replace(
        FACTS,
        metrics=dict(reversed(FACTS.metrics.items())),
        params={"train": {"rate": 0.1, "depth": 3}, "seed": 7},
        environment=dict(reversed(FACTS.environment.items())),
    )
    assert text(material(facts=turned)) == text(material())


def test_model_that_can_run_code_is_told():
    model = replace(FACTS.model, executes_code=True, findings=("os.system",))
    assert "CAN RUN CODE from the file&#58; os.system" in text(material(facts=replace(FACTS, model=model)))
    assert "CAN RUN CODE" not in text(material())


def test_card_without_notes_and_predictions_says_what_it_lacks():
    made = material(facts=replace(FACTS, predictions=None), notes=Notes(), predictions=None)
    card = build(made)
    assert list(card.files) == ["cards/churn.md"]
    assert {gap.key for gap in card.gaps} == {*review.KEYS, *(topic.key for topic in review.topics("hf"))}
    assert "0.75" in card.files["cards/churn.md"]
    assert "What this card lacks" in card.files["cards/churn.md"]
    assert huggingface_hub.ModelCard(card.files["cards/churn.md"]).data.eval_results is None


def test_complete_card_lacks_nothing():
    assert build(material()).gaps == ()
    assert "lacks" not in text(material())


def test_section_read_for_other_data_needs_review():
    notes = replace(NOTES, sections={**NOTES.sections, "risks": NotesSection("Some.", "0" * 32)})
    (gap,) = build(material(notes=notes)).gaps
    assert (gap.key, gap.state) == ("risks", "needs review")
    assert "--reviewed risks" in gap.where
    assert "**Needs review.**" in body(material(notes=notes))


@pytest.mark.parametrize(
    "words", ["TODO", "", "  \n", "[More Information Needed]", "tbd", "Ask [your legal team]. FIXME", "To be written"]
)
def test_placeholder_counts_as_missing(words):
    notes = replace(NOTES, sections={**NOTES.sections, "risks": NotesSection(words, TRAIN)})
    (gap,) = build(material(notes=notes)).gaps
    assert (gap.key, gap.state) == ("risks", "placeholder")
    assert "*Not written yet." in body(material(notes=notes))


def test_question_of_the_catalogue_is_no_answer():
    prompt = next(topic.prompt for topic in review.topics("hf"))
    notes = replace(NOTES, sections={**NOTES.sections, "intended_use": NotesSection(prompt, TRAIN)})
    assert [gap.state for gap in build(material(notes=notes)).gaps] == ["placeholder"]


LOADED = """\
from skops.io import get_untrusted_types, load

types = get_untrusted_types(file="models/churn.skops")  # look at them before you trust them
model = load("models/churn.skops", trusted=types)
"""
HOSTILE = "<script>x</script>\n# Evaluation\n![x](https://example.com/y) [z](javascript:a)\n---\nlicense: mit\n---\n| a |"


def test_hostile_texts_change_neither_headings_nor_front_matter():
    facts = replace(
        FACTS,
        description=HOSTILE,
        labels=(HOSTILE,),
        params={HOSTILE: HOSTILE},
        steps=(replace(FACTS.steps[0], name=HOSTILE, cmd=HOSTILE),),
        model=replace(FACTS.model, findings=(HOSTILE,), executes_code=True),
    )
    notes = replace(
        NOTES,
        owners=(HOSTILE,),
        contact=HOSTILE,
        base_model=(HOSTILE,),
        sections={key: NotesSection(HOSTILE, TRAIN) for key in NOTES.sections},
    )
    hostile, harmless = material(facts=facts, notes=notes), material()
    assert huggingface_hub.ModelCard(text(hostile)).data.license == "apache-2.0"
    found = [each for each in tokens(body(hostile)) if each.type in ("html_block", "html_inline", "link_open", "fence", "hr")]
    assert [each.content.endswith(LOADED) for each in found] == [True]
    assert sum(each.type == "heading_open" for each in tokens(body(hostile))) == sum(
        each.type == "heading_open" for each in tokens(body(harmless))
    )
    assert all(each.attrs["src"].startswith("churn/") for each in tokens(body(hostile)) if each.type == "image")


def test_changes_since_the_version_that_is_replaced():
    before = replace(
        FACTS,
        metrics={"accuracy": 0.7, "nested.roc_auc": 0.95},
        params={"seed": 7, "train": {"depth": 2}},
        data=(DataFile("data/train.csv", "0" * 32, 200, role="train"), *FACTS.data[:2]),
        steps=(FACTS.steps[0], replace(FACTS.steps[1], deps={"data/train.csv": TRAIN, "train.py": "3" * 32})),
    )
    made = material(replaced=Replaced("v1.0.0", "5" * 40, before))
    rows = body(made).partition("## Changes since v1.0.0")[2]
    for row in (
        "| metric | accuracy | 0.7 | 0.75 | better |",
        "| metric | nested.roc\\_auc | 0.95 | 0.9 | worse |",
        "| parameter | train.depth | 2 | 3 |  |",
        "| parameter | train.rate | – | 0.1 |  |",
        "| data | data/train.csv \\(train\\) | 00000000, 200 B | aaaaaaaa, 300 B |  |",
        "| code | train.py | 33333333 | 22222222 |  |",
    ):
        assert row in rows
    assert front(made)["mlgit"]["replaces"] == {"version": "v1.0.0", "commit": "5" * 40}


def test_intervals_and_slices_are_shown():
    made = material()
    evaluation = replace(
        made.evaluation, metrics=(ModelMetric("accuracy", 0.75, 0.61234, 0.88888), ModelMetric("x", 1.0, note="why not"))
    )
    made = replace(made, evaluation=evaluation)
    assert "| accuracy | 0.75 | 0.6123 to 0.8889 | higher |" in body(made)
    assert "- x&#58; why not" in body(made) or "- x: why not" in body(made)
    assert front(made)["mlgit"]["intervals"] == {"accuracy": [0.61234, 0.88888]}


def test_metric_that_the_predictions_do_not_give_has_no_interval():
    given = {"accuracy": 0.9, "f1": 0.8, "recall": 1.0, "cost": 3.0, "r2": 0.5}
    rows = {each.name: each for each in material(facts=replace(FACTS, metrics=given)).evaluation.metrics}
    assert (rows["accuracy"].low, rows["accuracy"].note) == (None, "no interval: the predictions give 0.75")
    assert rows["f1"].note == "no interval: 4 rows, at least 30 needed"
    assert (rows["recall"].method, rows["recall"].high) == ("Wilson score", 1.0)
    assert (rows["cost"].low, rows["cost"].note) == (None, "")


def test_classes_that_do_not_say_which_is_positive_have_no_interval_of_a_yes_and_no_metric():
    many = table(["a", "b", "c"], ["a", "c", "c"], [0.1, 0.5, 0.2])
    rows = {
        each.name: each for each in material(facts=replace(FACTS, metrics={"recall": 0.5}), predictions=many).evaluation.metrics
    }
    assert "positive" in rows["recall"].note


def test_slices_are_measured_each_for_itself():
    predictions = {**BINARY, "region": np.array(["north", "south", "south", "north"])}
    made = material(predictions=predictions, config=with_slices("region"))
    assert [(each.value, each.rows, each.metrics["accuracy"]) for each in made.evaluation.slices] == [
        ("north", 2, 1.0),
        ("south", 2, 0.5),
    ]
    assert "| region = south | 2 | 0.5 | 1 |" in body(made)


def test_stages_that_evaluate_are_told_with_their_parameters():
    step = Step("evaluate", "python evaluate.py", {"evaluate.py": "4" * 32}, {}, {"evaluate": {"threshold": 0.5}})
    made = material(facts=replace(FACTS, evaluation=(step,)))
    evaluated = body(made).partition("## Evaluation")[2]
    assert "python evaluate.py" in evaluated
    assert "| evaluate.threshold | 0.5 |" in evaluated
    assert "4" * 32 in body(made)
    assert {"parameters", "commands", "evaluate.py"} <= {
        *frontmatter.changed_inputs(front(material())["mlgit"], build(made).inputs)
    }


def test_training_data_that_is_test_data_is_told():
    shared = replace(FACTS, data=(*FACTS.data, DataFile("data/t.csv", TRAIN, role="test")))
    assert "share a file" in body(material(facts=shared))


def test_rows_in_both_are_told():
    assert "0 of 5 rows of the test data are in the training data too." in text(material(shared=(0, 5)))
    assert "**1 of 5 rows of the test data is in the training data too. The metrics" in text(material(shared=(1, 5)))


def test_inputs_tell_what_changed():
    old = front(material())["mlgit"]
    now = build(material(facts=replace(FACTS, params={"seed": 8})))
    assert frontmatter.changed_inputs(old, now.inputs) == ["parameters"]


def test_profile_annex_iv_asks_for_more_and_says_who_fills_it():
    made = with_profile(material(), "annex-iv")
    gaps = {gap.key for gap in build(made).gaps}
    assert {"human_oversight", "conformity", "standards", "security", "personal_data", "metric_rationale"} <= gaps
    rows = {each.name: each for each in profiles.fields(made, profile="annex-iv")}
    assert (rows["metrics"].by, rows["metrics"].state, rows["intended_use"].state) == ("mlgit", "filled", "filled")
    assert (rows["human_oversight"].by, rows["human_oversight"].state) == ("people", "missing")
    assert rows["slices"].where == "mlgit.yaml: models.churn: add `slices: [COLUMN]`"
    assert {each.name for each in profiles.fields(made, profile="hf")} - set(rows) == OPTIONAL


OPTIONAL = {"repository", "paper", "demo", "authors", "citation", "downstream_use"}
# Every point of Annex IV of Regulation (EU) 2024/1689 that can be answered by itself.
POINTS = {*(f"1({letter})" for letter in "abcdefgh"), *(f"2({letter})" for letter in "abcdefgh"), *"3456789"}


def test_every_point_of_annex_iv_is_asked_for_and_counts_when_it_is_missing():
    bare = replace(FACTS, data=(), metrics={}, steps=(), environment={}, params={}, predictions=None)
    made = with_profile(material(facts=bare, notes=Notes(), predictions=None), "annex-iv")
    fields = profiles.fields(made, profile="annex-iv")
    assert {point.strip() for each in fields for point in each.annex.split(",")} - {"–"} == POINTS
    gaps = {gap.key for gap in build(made).gaps}
    missing = {each.name for each in fields if each.state == "missing" and each.by == "people"}
    assert gaps == missing | {"train", "test", "metrics", "steps", "environment"}


def test_annex_iv_can_be_complete():
    sections = {topic.key: NotesSection("Said.", TRAIN) for topic in review.topics("annex-iv")}
    assert build(with_profile(material(notes=replace(NOTES, sections=sections)), "annex-iv")).gaps == ()


# The places of Hugging Face's template, by the words that stand there in a card.
HUGGING_FACE = {
    "Direct Use": "### Purpose",
    "Downstream Use": "### Downstream use",
    "Out-of-Scope Use": "### Out of scope",
    "Recommendations": "### Recommendations",
    "How to Get Started": "## How to use",
    "Compute Infrastructure": "### Compute",
    "Citation": "## Citation",
    "Repository": "| Repository |",
    "Model Card Authors": "| Authors of the notes |",
    "Model Card Contact": "| Contact |",
}


def test_card_has_each_place_of_hugging_face_s_template_and_invents_nothing():
    found = importlib.util.find_spec("huggingface_hub").origin
    template = (Path(found).parent / "templates/modelcard_template.md").read_text()
    assert [place for place in HUGGING_FACE if place not in template] == []
    shown = body(material())
    assert [place for place in HUGGING_FACE.values() if place not in shown] == []
    assert shown.count("ot stated") == 5  # repository, authors, downstream use, compute, citation


def test_what_the_notes_declare_is_shown():
    notes = replace(NOTES, repository="https://example.com/churn", authors=("Ada",), citation="@misc{churn,\n  title={``}}")
    shown = body(material(notes=notes))
    assert "](<https://example.com/churn>) |" in shown
    assert "| Authors of the notes | Ada |" in shown
    assert "```bibtex\n@misc{churn,\n  title={``}}\n```" in shown


def test_digests_stand_below_the_metrics_and_plots_in_one_row():
    shown = body(material())
    assert shown.index("| accuracy |") < shown.index("c" * 32)
    assert shown.index("## Digests") > shown.index("## Evaluation")
    (row,) = [line for line in shown.splitlines() if "](<churn/" in line]
    assert row.count("](<churn/") == 3


def test_code_of_a_card_loads_the_model(tmp_path, monkeypatch):
    from skops.io import dump

    (tmp_path / "models").mkdir()
    dump({"weights": [1, 2]}, tmp_path / "models/churn.skops")
    monkeypatch.chdir(tmp_path)
    found: dict[str, object] = {}
    (block,) = [each.content for each in tokens(body(material())) if each.type == "fence"]
    exec(block, found)
    assert found["model"] == {"weights": [1, 2]}


@pytest.mark.parametrize("kind", sorted(usage._LOADERS))
def test_code_for_every_format_is_python(kind):
    lines = usage.code(replace(FACTS.model, format=kind, path='a"b.x', executes_code=kind == "pickle"))
    compile("\n".join(lines), kind, "exec")
    assert lines[0].startswith("# This runs code") == (kind == "pickle")


@pytest.mark.parametrize("model", [replace(FACTS.model, format="unknown"), replace(FACTS.model, path="a\nb")])
def test_no_code_is_made_up_for_a_format_that_is_not_known(model):
    assert usage.code(model) == []
    assert "How to load it is not stated" in body(material(facts=replace(FACTS, model=model)))


def test_regression_has_residuals():
    facts = replace(FACTS, metrics={"rmse": 1.5, "r2": 0.5})
    card = build(material(facts=facts, predictions=table([1.5, 2, 3], [1, 2.5, 3])))
    assert list(card.files) == ["cards/churn.md", "cards/churn/residuals.svg"]
    assert "![Residuals&#58; truth minus prediction](<churn/residuals.svg>)" in card.files["cards/churn.md"]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"licence": "mit"}, "licence: unknown key, did you mean 'license'?"),
        ({"license": "apache-2"}, "did you mean 'apache-2.0'?"),
        ({"sections": {"limitation": {"text": "x"}}}, "did you mean 'limitations'?"),
        ({"sections": {"limitations": {}}}, "sections.limitations.text: missing"),
        ({"sections": {"limitations": {"text": "x", "reviewed_for": {"data": "new"}}}}, "does not match"),
        ({"pipeline_tag": "classification"}, "is not one of"),
        ([], "expected a mapping"),
    ],
)
def test_notes_are_checked(document, said):
    with pytest.raises(MlgitError) as caught:
        parse(document, name="cards/churn.yaml")
    assert caught.value.message.startswith("cards/churn.yaml: ")
    assert said in caught.value.message


def test_metrics_without_predictions_have_no_intervals():
    assert [each.low for each in material(predictions=None).evaluation.metrics] == [None, None]
