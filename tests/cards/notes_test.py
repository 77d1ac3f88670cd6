"""What people write into `cards/NAME.yaml`, read and held against what a card needs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mlgit.cards import notes, review
from mlgit.cards.catalogue import TOPICS
from mlgit.cards.notes import Notes, NotesSection
from mlgit.errors import MlgitError
from mlgit.registry.facts import DataFile
from tests.cards.kit import FACTS, NOTES, TRAIN

FILE = "cards/churn.yaml"


@pytest.mark.parametrize("document", [None, {}])
def test_no_notes_are_notes_without_anything(document):
    assert notes.parse(document, name=FILE) == Notes()


def test_one_value_and_a_list_of_one_are_the_same():
    one, listed = ({"language": value, "datasets": value} for value in ("en", ["en"]))
    assert notes.parse(one, name=FILE) == notes.parse(listed, name=FILE) == Notes(language=("en",), datasets=("en",))


def test_sections_stand_in_the_order_of_the_card():
    given = {"risks": {"text": "b", "reviewed_for": {"data": TRAIN}}, "intended_use": {"text": "a"}}
    found = notes.parse({"sections": given}, name=FILE).sections
    assert list(found.items()) == [("intended_use", NotesSection("a")), ("risks", NotesSection("b", TRAIN))]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"licence": "mit"}, "licence: unknown key, did you mean 'license'?"),
        ({"sections": {"risk": {"text": "x"}}}, "sections.risk: unknown key, did you mean 'risks'?"),
        ({"sections": {"risks": {}}}, "sections.risks.text: missing"),
        ({"owners": "Ada"}, "owners: expected a list"),
    ],
)
def test_fault_is_named_with_its_place(document, said):
    with pytest.raises(MlgitError) as caught:
        notes.parse(document, name=FILE)
    assert caught.value.message.startswith(f"{FILE}: {said}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        (" \n", True),
        ("Say TODO here", True),
        ("[More Information Needed]", True),
        ("<your name>", True),
        (TOPICS[0].prompt, True),
        (f"  {TOPICS[0].prompt.replace(' ', '  ')}\n", True),
        ("Todos los datos", False),
        ("For loans under 1000 EUR.", False),
    ],
)
def test_placeholder_is_what_somebody_still_has_to_write(text, expected):
    assert notes.is_placeholder(text) is expected


def gaps(profile="hf", facts=FACTS, **changed):
    return {each.key: each.state for each in review.gaps(facts, replace(NOTES, **changed), profile=profile, file=FILE)}


def test_complete_notes_have_no_gaps_and_another_profile_asks_for_more():
    asked = {topic.key for topic in review.topics("annex-iv")} - NOTES.sections.keys()
    assert (gaps(), gaps("annex-iv")) == ({}, dict.fromkeys(asked, "missing"))


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"contact": ""}, {"contact": "missing"}),
        ({"owners": ("TBD",)}, {"owners": "placeholder"}),
        ({"license": "other"}, {"license_name": "missing"}),
        ({"license": "other", "license_name": "Ours"}, {}),
        ({"sections": {**NOTES.sections, "risks": NotesSection("TODO", TRAIN)}}, {"risks": "placeholder"}),
        ({"sections": {**NOTES.sections, "risks": NotesSection("Some.", "0" * 32)}}, {"risks": "needs review"}),
        ({"sections": {**NOTES.sections, "risks": NotesSection("Some.")}}, {"risks": "needs review"}),
    ],
)
def test_gap_is_named_by_what_is_wrong_with_it(changed, expected):
    assert gaps(**changed) == expected


def test_model_without_training_data_and_metrics_lacks_them_and_nothing_is_to_be_read_again():
    assert gaps(facts=replace(FACTS, data=(), metrics={})) == {"train": "missing", "metrics": "missing"}


def test_digest_of_several_files_is_one_and_does_not_depend_on_their_order():
    one, two = DataFile("a.csv", "1" * 32), DataFile("b.csv", "2" * 32)
    assert review.data_digest([one, two]) == review.data_digest([two, one, one])
    assert review.data_digest([one, two]) not in (one.md5, review.data_digest([one, replace(two, path="c.csv")]))


@pytest.mark.parametrize(("files", "digest"), [([], ""), ([DataFile("data", f"{'1' * 32}.dir")], "1" * 32)])
def test_digest_of_one_folder_is_its_own(files, digest):
    assert review.data_digest(files) == digest


@pytest.mark.parametrize(
    ("known", "said", "hint"),
    [
        ({}, "sections.risks: no such section", "write one first"),
        ({"risk": NotesSection("x")}, "sections.risks: no such section, did you mean 'risk'?", "its sections: risk"),
        (
            {"risks": NotesSection("TODO")},
            "sections.risks.text: nobody has written it yet",
            "write it, then say that you read it",
        ),
    ],
)
def test_section_that_cannot_have_been_read_is_refused(known, said, hint):
    with pytest.raises(MlgitError) as caught:
        review.require("risks", known, file=FILE)
    assert (caught.value.message, caught.value.hint) == (f"{FILE}: {said}", hint)
