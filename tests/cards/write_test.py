"""The door of cards: what is read, from where, and which files are written and taken away."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlgit import project as projects
from mlgit.cards import write
from mlgit.cards.card import Card, build
from mlgit.errors import MlgitError
from mlgit.registry import commit_facts
from mlgit.revision.revisions import Revisions
from tests.kit import commit, git, write_tree
from tests.registry.projects import made

pytestmark = pytest.mark.slow  # real repositories that were run

NOTES = """\
# people's own words
sections:
  risks: {text: Some.}
  limitations:
    text: Few rows.  # as of May
  ethics: {text: TODO}
"""
OURS = "---\nmlgit: {card: 1}\n---\n# churn\n"


@pytest.fixture
def root(tmp_path, cli):
    return made(tmp_path / "project", cli, {"cards/churn.yaml": NOTES})


def at(root, revision=""):
    """A revision of a project, with the model that it declares."""
    found = Revisions(projects.find(root))
    side = found.commit(found.resolve(revision)) if revision else found.workspace
    return side, side.config.models["churn"]


def material(root, revision=""):
    side, model = at(root, revision)
    return write.material(side, commit_facts.collect(side, "churn"), model=model, replaced=None)


def card(**files):
    texts = {path.replace("__", "/").replace("_", "."): text for path, text in files.items()}
    return Card("cards/churn.md", {**texts, "cards/churn.md": OURS}, {}, ())


def test_rows_and_columns_come_from_the_data_and_notes_from_people(root):
    found = material(root)
    assert found.columns == dict.fromkeys(("data/test.csv", "data/train.csv"), ("id", "x", "label"))
    assert found.shared == (0, 5)
    assert list(found.notes.sections) == ["limitations", "risks", "ethics"]


def test_material_of_a_commit_does_not_see_the_workspace(root):
    write_tree(root, {"cards/churn.yaml": "owners: [Eve]\n", "data/train.csv": "other\n"})
    found = material(root, "HEAD")
    assert (found.notes.owners, found.columns["data/train.csv"]) == ((), ("id", "x", "label"))


@pytest.mark.parametrize("path", ["src/train.sh", "reports/metrics.json", "models/churn.json"])
def test_what_git_has_is_told_from_what_dvc_has_in_workspace_and_commit(root, path):
    text = (root / "dvc.yaml").read_text()
    write_tree(root, {"dvc.yaml": text.replace("path: models/churn.json", f"path: {path}")})
    commit(root, "another artifact")
    brings = path == "models/churn.json"
    for found in (material(root), material(root, "HEAD")):
        shown = build(found).files["cards/churn.md"]
        assert (f"`dvc pull {path}` brings the file" in shown, f"`{path}` is in Git, " in shown) == (brings, not brings)


def test_bytes_that_are_nowhere_are_named_with_the_way_back(root):
    side, _ = at(root, "HEAD")
    train = next(each.md5 for each in commit_facts.collect(side, "churn").with_role("train"))
    Path(side.cache.path(train)).unlink()
    with pytest.raises(MlgitError, match=rf"^data/train.csv: its content \(md5 {train}\) is not here") as caught:
        material(root, "HEAD")
    assert "`dvc pull data/train.csv`" in caught.value.hint
    assert material(root).columns["data/train.csv"] == ("id", "x", "label")  # it lies in the workspace


def test_predictions_that_are_recorded_and_cannot_be_read_are_no_card_without_them(root, cli):
    evaluate = (root / "src/evaluate.sh").read_text()
    write_tree(root, {"src/evaluate.sh": f"{evaluate}printf 'id\\0' > reports/predictions.csv\n"})
    assert cli(root, "run").code == 0
    with pytest.raises(MlgitError, match=r"reports/predictions.csv: not a text file"):
        material(root)


def test_table_that_is_none_has_no_columns_and_shares_no_rows(root, cli):
    prepare = "printf 'a\\0b' > data/train.csv; (head -1 data/raw.csv; tail -5 data/raw.csv) > data/test.csv\n"
    write_tree(root, {"src/prepare.sh": prepare})
    assert cli(root, "run").code == 0
    found = material(root)
    assert (found.columns["data/train.csv"], found.shared) == ((), None)


def test_there_is_no_card_before_one_is_written_and_then_all_of_its_files(root):
    side, model = at(root)
    assert write.find(side, model) == write.Found({}, {})
    there = write.write(side.project, card(cards__churn__roc_svg="<svg/>"), write.find(side, model))
    assert there == ["cards/churn.md", "cards/churn/roc.svg"]
    found = write.find(*at(root))
    assert dict(found.files) == {"cards/churn.md": OURS.encode(), "cards/churn/roc.svg": b"<svg/>"}
    assert found.own == {"card": 1}


def test_only_what_differs_is_written_and_a_plot_too_many_goes(root):
    write_tree(root, {"cards/churn.md": OURS, "cards/churn/roc.svg": "<svg/>", "cards/churn/mine.svg": "kept"})
    before = (root / "cards/churn.md").stat()
    side, model = at(root)
    assert write.write(side.project, card(), write.find(side, model)) == ["cards/churn/roc.svg"]
    assert sorted(each.name for each in (root / "cards/churn").iterdir()) == ["mine.svg"]
    assert (root / "cards/churn.md").stat().st_ino == before.st_ino


@pytest.mark.parametrize("text", ["# My own words\n", "---\nlicense: mit\n---\n", "---\n[broken\n---\n", b"\xff\xfe"])
def test_card_that_somebody_wrote_is_not_replaced(root, text):
    content = text if isinstance(text, bytes) else text.encode()
    (root / "cards/churn.md").write_bytes(content)
    side, model = at(root)
    with pytest.raises(MlgitError, match=r"^cards/churn.md: somebody wrote this file"):
        write.write(side.project, card(), write.find(side, model))
    assert (root / "cards/churn.md").read_bytes() == content


def stamped(root, *sections):
    side, model = at(root)
    return write.stamp(side.project, commit_facts.collect(side, "churn"), model=model, sections=sections)


def test_reading_notes_marks_them_for_the_training_data_and_keeps_the_rest_of_the_file(root):
    digest = next(each.md5 for each in commit_facts.collect(at(root)[0], "churn").with_role("train"))
    assert stamped(root, "all") == ["limitations", "risks"]
    text = (root / "cards/churn.yaml").read_text()
    assert [line for line in text.splitlines() if line in NOTES.splitlines()] == [
        *("# people's own words", "sections:", "  limitations:", "    text: Few rows.  # as of May", "  ethics: {text: TODO}")
    ]
    reviewed = {key: section.reviewed_for for key, section in material(root).notes.sections.items()}
    assert reviewed == {"limitations": digest, "risks": digest, "ethics": ""}


def test_notes_that_are_read_again_carry_one_mark(root, cli):
    stamped(root, "risks")
    write_tree(root, {"src/prepare.sh": (root / "src/prepare.sh").read_text().replace("-16", "-15")})
    assert cli(root, "run").code == 0
    stamped(root, "risks")
    text = (root / "cards/churn.yaml").read_text()
    digest = next(each.md5 for each in commit_facts.collect(at(root)[0], "churn").with_role("train"))
    assert (text.count("reviewed_for"), digest in text) == (1, True)


def test_what_nobody_wrote_cannot_have_been_read(root):
    before = (root / "cards/churn.yaml").read_text()
    for section, said in (("ethics", "nobody has written it yet"), ("risk", "did you mean 'risks'?")):
        with pytest.raises(MlgitError) as caught:
            stamped(root, "risks", section)
        assert said in caught.value.message
    assert (root / "cards/churn.yaml").read_text() == before


def test_notes_that_nobody_wrote_have_not_been_read(root):
    (root / "cards/churn.yaml").unlink()
    with pytest.raises(MlgitError, match=r"cards/churn.yaml: no such file, so there is nothing to have read") as raised:
        stamped(root, "all")
    assert "leave --reviewed out" in raised.value.hint


def test_without_training_data_nothing_can_be_marked(root):
    config = (root / "mlgit.yaml").read_text()
    write_tree(root, {"mlgit.yaml": config.replace("    train: [data/train.csv]\n", "")})
    commit(root)
    with pytest.raises(MlgitError, match=r"^mlgit.yaml: models.churn.train: missing"):
        stamped(root, "all")
    assert git(root, "status", "--porcelain") == ""
