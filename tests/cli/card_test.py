"""`mlgit card`: cards of real projects."""

from __future__ import annotations

import os

import pytest

from mlgit import project as projects
from mlgit.cards import frontmatter
from mlgit.commands import card as cards
from mlgit.revision.revisions import Revisions
from tests.kit import commit, git, write_tree
from tests.kit.forked import mlgit
from tests.kit.late import Late
from tests.registry.projects import FILES, RAW, made, ran

pytestmark = pytest.mark.slow  # real repositories, many times

huggingface_hub = Late("huggingface_hub")

SECTIONS = ("intended_use", "out_of_scope", "limitations", "risks", "recommendations", "ethics", "data_provenance")
NOTES = """\
# Who answers for it
license: apache-2.0
library_name: none      # it is JSON
pipeline_tag: tabular-classification
owners: [Ada]
contact: ada@example.com
sections:
""" + "".join(f"  {key}:\n    text: |\n      About {key}.\n\n      - a\n" for key in SECTIONS)
EVALUATE = """\
mkdir -p reports
printf '{"accuracy": 0.6, "brier": 0.25}' > reports/metrics.json
printf 'id,label,prediction,score\\n15,1,1,0.9\\n16,0,1,0.6\\n17,1,1,0.7\\n18,0,0,0.1\\n19,1,0,0.4\\n' > reports/predictions.csv
"""
CARD = "cards/churn.md"


@pytest.fixture
def root(tmp_path, cli):
    return made(tmp_path / "project", cli, {"cards/churn.yaml": NOTES, "src/evaluate.sh": EVALUATE})


@pytest.fixture
def carded(root, cli):
    done = cli(root, "card", "build", "--reviewed", "all")
    assert done.code == 0, done.said
    commit(root, "Add the card")
    return root


def keys(done, state):
    (card,) = done.json["cards"]
    return [gap["key"] for gap in card["gaps"] if gap["state"] == state]


def test_build_writes_a_card_that_check_finds_good(root, cli):
    assert cli(root, "card", "check").code == 1
    done = cli(root, "card", "build", "churn", "--reviewed", "all")
    assert (done.code, done.err) == (0, "")
    assert f"wrote {CARD}, cards/churn/calibration.svg, cards/churn/confusion.svg, cards/churn/roc.svg" in done.out
    checked = cli(root, "card", "check", "--json")
    assert (checked.code, checked.json["good"]) == (0, True)
    card = huggingface_hub.ModelCard((root / CARD).read_text())
    assert {each.metric_name: each.metric_value for each in card.data.eval_results} == {"accuracy": 0.6, "brier": 0.25}


def test_card_of_a_commit_is_that_of_the_workspace_before_it(carded, cli):
    before = (carded / CARD).read_bytes()
    assert cli(carded, "card", "build").out.startswith(f"{CARD} is up to date")
    assert (carded / CARD).read_bytes() == before
    assert git(carded, "status", "--porcelain") == ""


@pytest.mark.slow
def test_card_is_the_same_bytes_on_every_machine(carded, tmp_path):
    before = {path: path.read_bytes() for path in (carded / "cards").rglob("*") if path.is_file()}
    for number, (zone, locale, seed) in enumerate((("Asia/Tokyo", "C", "1"), ("America/Lima", "tr_TR.UTF-8", "2"))):
        home = tmp_path / f"home-{number}"
        home.mkdir()
        env = {"HOME": str(home), "TZ": zone, "LC_ALL": locale, "PYTHONHASHSEED": seed}
        env["GIT_CONFIG_GLOBAL"] = os.environ["GIT_CONFIG_GLOBAL"]
        for path in (carded / CARD, carded / "cards/churn/roc.svg"):
            path.unlink()
        done = mlgit(carded, "card", "build", env=env)
        assert done.code == 0, done.said
        assert {path: path.read_bytes() for path in (carded / "cards").rglob("*") if path.is_file()} == before


def test_changed_training_data_make_the_card_stale_and_its_sections_need_review(carded, cli):
    write_tree(carded, {"data/raw.csv": RAW.replace("\n3,", "\n333,")})
    assert cli(carded, "add", "data/raw.csv").code == 0
    unrun = cli(carded, "card", "check")
    assert (unrun.code, "`mlgit run`" in unrun.err) == (2, True)
    ran(carded, cli)
    stale = cli(carded, "card", "check", "--json")
    assert (stale.code, keys(stale, "needs review")) == (1, list(SECTIONS))
    (card,) = stale.json["cards"]
    assert not card["fresh"]
    assert {"data/raw.csv", "data/train.csv"} <= {*card["changed"]}
    said = cli(carded, "card", "check").out
    assert f"needs review, for nobody has read it for the training data of today: {', '.join(SECTIONS)}" in said
    assert cli(carded, "card", "build").code == 0
    built = cli(carded, "card", "check", "--json")
    assert (built.code, built.json["cards"][0]["differing"], built.json["cards"][0]["fresh"]) == (1, [], False)
    assert "**Needs review.**" in (carded / CARD).read_text()
    assert cli(carded, "card", "build", "--reviewed", "risks", "--reviewed", "ethics").code == 0
    read = {"risks", "ethics"}
    assert keys(cli(carded, "card", "check", "--json"), "needs review") == [key for key in SECTIONS if key not in read]


def test_marking_a_section_as_read_keeps_the_rest_of_the_notes(root, cli):
    cli(root, "card", "build", "--reviewed", "risks")
    (mark,) = [row for row in (root / "cards/churn.yaml").read_text().splitlines() if row not in NOTES.splitlines()]
    assert mark.startswith("    reviewed_for: {data: ")
    assert (root / "cards/churn.yaml").read_text().replace(f"{mark}\n", "") == NOTES


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("--reviewed", "risk"), "did you mean 'risks'?"),
        (("--reviewed", "users"), "sections.users: no such section"),
        (("chrun",), "did you mean 'churn'?"),
    ],
)
def test_wrong_name_is_told_with_the_near_miss(root, cli, argv, said):
    done = cli(root, "card", "build", *argv)
    assert (done.code, said in done.err) == (2, True), done.said
    assert not (root / CARD).exists()


def test_edited_card_is_stale(carded, cli):
    (carded / CARD).write_text((carded / CARD).read_text().replace("0.6", "0.9"))
    done = cli(carded, "card", "check")
    assert (done.code, f"differs: {CARD}" in done.out) == (1, True)


def test_plot_that_is_no_more_is_taken_away(carded, cli):
    write_tree(carded, {"cards/churn/residuals.svg": "<svg/>", "cards/churn/mine.svg": "<svg/>"})
    assert cli(carded, "card", "check").code == 1
    cli(carded, "card", "build")
    assert not (carded / "cards/churn/residuals.svg").exists()
    assert (carded / "cards/churn/mine.svg").exists()


@pytest.mark.parametrize("text", ["# By hand\n", "---\nlicense: mit\n---\n# By hand\n", "---\nmlgit: [\n---\n", "\udcff"])
def test_file_that_somebody_wrote_is_not_replaced(root, cli, text):
    write_tree(root, {CARD: text.encode(errors="surrogateescape")})
    assert cli(root, "card", "check").code == 1
    done = cli(root, "card", "build")
    assert (done.code, "somebody wrote this file" in done.err) == (2, True)
    assert (root / CARD).read_bytes() == text.encode(errors="surrogateescape")


@pytest.mark.parametrize(
    "card",
    ["{out: ../card.md}", "{out: /tmp/card.md}", "{notes: ../../notes.yaml}", "{out: x.md, notes: x.md}", "{out: a/../b.md}"],
)
def test_card_outside_the_project_is_refused(root, cli, card):
    write_tree(root, {"mlgit.yaml": FILES["mlgit.yaml"] + f"    card: {card}\n"})
    done = cli(root, "card", "build")
    assert (done.code, "mlgit.yaml: models.churn.card" in done.err) == (2, True), done.said


def test_dry_run_writes_nothing(root, cli):
    done = cli(root, "card", "build", "--dry-run", "--reviewed", "all")
    assert (done.code, done.out.splitlines()[0].startswith(f"would write {CARD}")) == (0, True)
    assert git(root, "status", "--porcelain") == ""


def test_profile_annex_iv_prints_every_field_and_what_is_missing(carded, cli):
    done = cli(carded, "card", "check", "--profile", "annex-iv")
    assert done.code == 1
    for words in ("human_oversight", "people", "mlgit", "filled", "missing: conformity", "of profile annex-iv are filled"):
        assert words in done.out
    assert cli(carded, "card", "check", "--profile", "hf").code == 0
    fields = cli(carded, "card", "check", "--profile", "annex-iv", "--json").json["cards"][0]["fields"]
    assert {"name": "security", "annex": "2(h)", "by": "people", "state": "missing"}.items() <= next(
        each for each in fields if each["name"] == "security"
    ).items()


def test_model_without_notes_and_predictions_has_a_card(tmp_path, cli):
    declared = FILES["mlgit.yaml"].replace("    predictions: reports/predictions.csv\n", "")
    root = made(tmp_path / "project", cli, {"mlgit.yaml": declared})
    assert cli(root, "card", "build").code == 0
    assert sorted(path.name for path in (root / "cards").iterdir()) == ["churn.md"]
    assert "limitations" in keys(cli(root, "card", "check", "--json"), "missing")


def test_metrics_that_tell_a_regression_give_residuals(tmp_path, cli):
    root = made(tmp_path / "project", cli, {"src/evaluate.sh": EVALUATE.replace("accuracy", "rmse").replace("brier", "r2")})
    assert cli(root, "card", "build").code == 0
    assert sorted(path.name for path in (root / "cards/churn").iterdir()) == ["residuals.svg"]


def test_bytes_that_are_gone_are_told_with_the_command(carded, cli):
    for path in ("reports/predictions.csv", *(path for path in (carded / ".dvc/cache/files/md5").rglob("*") if path.is_file())):
        (carded / path).unlink()
    done = cli(carded, "card", "check")
    assert done.code == 2
    assert "dvc pull" in done.err or "mlgit run" in done.err


def test_wrong_column_is_told_with_the_near_miss(root, cli):
    write_tree(root, {"mlgit.yaml": FILES["mlgit.yaml"].replace("    id: id\n", "    id: id\n    label: lable\n")})
    done = cli(root, "card", "check")
    assert (done.code, "no column 'lable', did you mean 'label'?" in done.err) == (2, True)


@pytest.mark.slow
def test_project_in_a_subfolder_has_the_same_card(tmp_path, cli):
    alone = made(tmp_path / "alone", cli, {"cards/churn.yaml": NOTES, "src/evaluate.sh": EVALUATE})
    cli(alone, "card", "build")
    git(tmp_path, "init", "--quiet", "outer")
    git(tmp_path, "clone", "--quiet", str(alone), "outer/inner")
    (tmp_path / "outer/inner/.git").rename(tmp_path / "gone")
    write_tree(tmp_path / "outer/inner", {"data/raw.csv": RAW})
    assert cli(tmp_path / "outer/inner", "run").code == 0
    commit(tmp_path / "outer", "Put it in a folder")
    assert cli(tmp_path / "outer/inner", "card", "build").code == 0
    assert (tmp_path / "outer/inner" / CARD).read_text() == (alone / CARD).read_text()


def tag(root, ref, body=""):
    git(root, "tag", "--annotate", "--cleanup=verbatim", "--message", body or f"About {ref}\n", ref)


def test_card_tells_what_changed_since_the_version_before_and_stays_fresh_when_it_is_registered(carded, cli):
    tag(carded, "churn@v1.0.0")
    assert cli(carded, "card", "check").code == 0
    write_tree(carded, {"params.yaml": "train: {depth: 5}\n"})
    ran(carded, cli)
    assert "changed since: parameters" in cli(carded, "card", "check").out
    assert cli(carded, "card", "build").code == 0
    card = (carded / CARD).read_text()
    assert "## Changes since v1.0.0" in card
    assert "| parameter | train.depth | 3 | 5 |  |" in card
    commit(carded, "Train deeper")
    tag(carded, "churn@v1.1.0")
    assert cli(carded, "card", "check").code == 0
    cli(carded, "card", "build")
    assert (carded / CARD).read_text() == card


def test_version_of_another_branch_is_not_what_a_model_replaces(carded, cli):
    git(carded, "switch", "--quiet", "--create", "other")
    write_tree(carded, {"params.yaml": "train: {depth: 5}\n"})
    ran(carded, cli)
    tag(carded, "churn@v2.0.0")
    git(carded, "switch", "--quiet", "-")
    assert cli(carded, "run").code == 0
    assert cli(carded, "card", "build").out.startswith(f"{CARD} is up to date")


def test_commit_of_the_version_before_that_is_not_in_the_clone_is_told(carded, cli):
    tag(carded, "churn@v1.0.0")
    write_tree(carded, {"params.yaml": "train: {depth: 5}\n"})
    ran(carded, cli)
    cli(carded, "card", "build")
    text = (carded / CARD).read_text()
    first = git(carded, "rev-parse", "churn@v1.0.0^{commit}")
    (carded / CARD).write_text(text.replace(first, "0" * 40))
    git(carded, "tag", "--delete", "churn@v1.0.0")
    done = cli(carded, "card", "check")
    assert (done.code, "git fetch --unshallow" in done.err) == (2, True), done.said


BODY = """\
Assigning stage prod to artifact churn version v1.0.0

Better <b>recall</b> | # for new customers

---
mlgit: 1
event: assign
version: v1.0.0
"""
REGISTERED = """\
Registering artifact churn version v1.0.0
---
mlgit: 1
event: register
version: v1.0.0
metrics: {"accuracy": {"value": 0.6}, "recall": {"value": 0.5}}
"""


def test_index_lists_models_versions_and_environments(carded, cli):
    tag(carded, "churn@v1.0.0", REGISTERED)
    tag(carded, "churn#prod#1", BODY)
    rules = "gates: {rules: [{id: a, kind: bound, metric: recall, min: 0.1}]}\n"
    write_tree(carded, {"mlgit.yaml": FILES["mlgit.yaml"] + rules})
    (carded / "docs").mkdir()
    done = cli(carded, "card", "index", "-o", "docs/models.md")
    page = (carded / "docs/models.md").read_text()
    assert (done.code, done.out) == (0, "wrote docs/models.md\n")
    assert "[Model card](<../cards/churn.md>)" in page
    assert "| prod | v1.0.0 | " in page
    assert "Better &lt;b&gt;recall&lt;/b&gt; &#124; \\# for new customers" in page
    assert f"| {git(carded, 'rev-parse', 'HEAD')[:10]} | 0.5 | 0.6 |" in page
    assert cli(carded, "card", "index").out == page.replace("../cards", "cards")


def test_index_without_versions_says_so(carded, cli):
    assert "No version of a model is registered." in cli(carded, "card", "index").out


def test_two_models_with_one_card_are_refused(root, cli):
    write_tree(root, {"mlgit.yaml": FILES["mlgit.yaml"] + "  other: {card: {out: cards/churn.md}}\n"})
    done = cli(root, "card", "build", "churn")
    assert (done.code, "already used by model 'other'" in done.err) == (2, True)


def test_rows_of_the_test_data_in_the_training_data_are_counted(root, cli):
    cli(root, "card", "build")
    assert "\n0 of 5 rows of the test data are in the training data too.\n" in (root / CARD).read_text()
    write_tree(root, {"data/raw.csv": RAW.replace("\n19,13,1", "\n19,7,1")})
    cli(root, "add", "data/raw.csv")
    ran(root, cli)
    cli(root, "card", "build")
    assert "**1 of 5 rows of the test data is in the training data too." in (root / CARD).read_text()


def test_released_card_of_another_layout_is_judged_by_its_digests(carded, cli):
    text = (carded / CARD).read_text()
    older = text.replace(f"\n  card: {frontmatter.VERSION}\n", "\n  card: 0\n")
    (carded / CARD).write_text(older.replace("## Upkeep", "## Care"))
    head = commit(carded, "As an older mlgit made it")
    project = projects.find(carded)
    assert cards.examine(Revisions(project), "churn", commit=head).status == "complete"
    assert cards.examine(Revisions(project), "churn").status == "stale"
    (carded / CARD).write_text((carded / CARD).read_text().replace("    parameters: ", "    parameters: x"))
    head = commit(carded, "Made of something else")
    assert cards.examine(Revisions(project), "churn", commit=head).status == "stale"
