"""A champion and a shadow by what both answered: how far they are apart, and with labels which is better."""

from __future__ import annotations

import json

import pytest

from mlgit.commands.monitor_compare import compare
from mlgit.errors import EXIT_CANNOT_ANSWER, EXIT_NO, EXIT_YES, MlgitError
from tests.kit import commit, repository, write_tree
from tests.serving.logs import START, single, write

ROWS = 200
SETTINGS = """\
mlgit: 1
metrics: {accuracy: {direction: higher}, log_loss: {direction: lower}, own_kpi: {direction: higher}}
models:
  churn: {predictions: reports/predictions.csv, metrics: reports/metrics.json, id: id}
"""
RULES = """\
gates:
  leakage: {max_rows: 0}
  rules:
    - {id: right, kind: no_worse, metric: accuracy, margin: 0.05}
    - {id: contract, kind: contract, path: data/raw.csv}
    - {id: other, kind: bound, metric: f1, min: 0.9, model: other}
"""
TRUTH = [number % 2 for number in range(ROWS)]


def scores(*, wrong_every):
    """Scores that are right but for one row of so many, which has the other label."""
    right = [0.9 if each else 0.1 for each in TRUTH]
    return [1 - each if number % wrong_every == 0 else each for number, each in enumerate(right)]


@pytest.fixture
def root(tmp_path, monkeypatch):
    root = repository(tmp_path / "project", {"mlgit.yaml": SETTINGS, "dvc.yaml": "stages: {}\n", ".gitignore": "/logs\n"})
    monkeypatch.chdir(root)
    return root


def logged(root, champion, shadow, **options):
    write(root / "logs" / "churn", single(champion), version="v1.0.0", **options)
    write(root / "logs" / "churn", single(shadow), version="v1.1.0", role="shadow", **options)


def labels(root, truth=None, *, header="id,label"):
    rows = "".join(f"r{number},{each}\n" for number, each in enumerate(TRUTH if truth is None else truth))
    write_tree(root, {"labels.csv": f"{header}\n{rows}"})
    return "labels.csv"


def declare(root, more):
    (root / "mlgit.yaml").write_text(SETTINGS + more)
    commit(root)


def test_without_labels_it_is_told_how_far_both_are_apart(root):
    logged(root, scores(wrong_every=10), scores(wrong_every=20))
    found = compare("churn")
    assert (found.pairs.champion.version, found.pairs.challenger.version) == ("v1.0.0", "v1.1.0")
    assert (found.agreement.same, found.agreement.n) == (190, ROWS)
    assert found.amounts.widest == pytest.approx(0.8)
    assert (found.verdict, found.exit_code, found.review) == (None, EXIT_YES, None)


def test_shadow_that_is_shown_to_be_better_passes(root):
    logged(root, scores(wrong_every=4), scores(wrong_every=50))
    found = compare("churn", labels=labels(root))
    standings = {each.metric: each.standing for each in found.review.metrics}
    assert standings == {"accuracy": "better", "log_loss": "better"}
    assert (found.verdict, found.exit_code, found.labelled) == ("pass", EXIT_YES, ROWS)
    assert found.notes == ("not compared, for these rows do not give it: own_kpi",)
    assert found.review.turned[0].fixed - found.review.turned[0].broken == 46


def test_shadow_that_is_shown_to_be_worse_fails(root):
    logged(root, scores(wrong_every=50), scores(wrong_every=4))
    found = compare("churn", labels=labels(root))
    assert (found.verdict, found.exit_code) == ("fail", EXIT_NO)


def test_rows_that_do_not_decide_are_a_warning(root):
    logged(root, scores(wrong_every=10), scores(wrong_every=11))
    found = compare("churn", labels=labels(root))
    assert {each.standing for each in found.review.metrics} == {"inconclusive"}
    assert (found.verdict, found.exit_code) == ("warn", EXIT_YES)


def test_rules_of_the_model_judge_and_those_of_data_and_others_do_not(root):
    declare(root, RULES)
    logged(root, scores(wrong_every=50), scores(wrong_every=4))
    found = compare("churn", labels=labels(root))
    assert [(each.id, each.outcome) for each in found.review.judged] == [("right", "fail")]
    assert (found.verdict, found.exit_code) == ("fail", EXIT_NO)
    logged(root, scores(wrong_every=4), scores(wrong_every=50))
    assert compare("churn", labels=labels(root)).verdict == "pass"


def test_metrics_that_rows_do_not_give_decide_nothing(root):
    (root / "mlgit.yaml").write_text(SETTINGS.replace("{accuracy: {direction: higher}, log_loss: {direction: lower}, ", "{"))
    commit(root)
    logged(root, scores(wrong_every=10), scores(wrong_every=10))
    found = compare("churn", labels=labels(root))
    assert (found.verdict, found.exit_code) == ("invalid", EXIT_CANNOT_ANSWER)


def test_only_rows_with_a_label_count(root):
    logged(root, scores(wrong_every=4), scores(wrong_every=50))
    found = compare("churn", labels=labels(root, [*TRUTH[:100], *[""] * 20]))
    assert (found.labelled, len(found.pairs.ids)) == (100, ROWS)
    assert "100 pairs have no label yet" in found.notes


def test_columns_of_labels_have_the_names_that_are_given(root):
    logged(root, scores(wrong_every=4), scores(wrong_every=50))
    path = labels(root, header="request,left")
    assert compare("churn", labels=path, label="left", key="request").labelled == ROWS
    with pytest.raises(MlgitError, match=r"labels\.csv: no column 'id'"):
        compare("churn", labels=path, label="left")
    with pytest.raises(MlgitError, match=r"labels\.csv: no column 'lefd', did you mean 'left'") as caught:
        compare("churn", labels=path, label="lefd", key="request")
    assert caught.value.hint == "--label names it: request, left"


def test_labels_of_other_requests_are_refused(root):
    logged(root, scores(wrong_every=10), scores(wrong_every=10))
    write_tree(root, {"labels.csv": "id,label\nz1,1\n"})
    with pytest.raises(MlgitError, match=r"labels\.csv: none of 200 pairs has a label there"):
        compare("churn", labels="labels.csv")


def test_two_labels_of_one_request_are_refused(root):
    logged(root, scores(wrong_every=10), scores(wrong_every=10))
    write_tree(root, {"labels.csv": "id,label\nr1,1\nr1,1\n"})
    assert compare("churn", labels="labels.csv").labelled == 1
    write_tree(root, {"labels.csv": "id,label\nr1,1\nr1,0\n"})
    with pytest.raises(MlgitError, match=r"labels\.csv: 'r1' has two labels"):
        compare("churn", labels="labels.csv")


def test_groups_of_rows_may_stand_in_the_log_or_in_the_labels(root):
    declare(root, "gates: {stats: {cluster: region}}\n")
    for version, role, wrong in (("v1.0.0", "champion", 4), ("v1.1.0", "shadow", 50)):
        answers = [
            (name, [[values[0], f"region {number % 40}"]], *said)
            for number, (name, [values], *said) in enumerate(single(scores(wrong_every=wrong)))
        ]
        write(root / "logs" / "churn", answers, version=version, role=role, columns=("x", "region"))
    assert compare("churn", labels=labels(root)).review.tested[0].clusters == 40
    rows = "".join(f"r{number},{each},{number % 50}\n" for number, each in enumerate(TRUTH))
    write_tree(root, {"labels.csv": f"id,label,region\n{rows}"})
    assert compare("churn", labels="labels.csv").review.tested[0].clusters == 50


def test_amounts_are_compared_as_amounts(root):
    (root / "mlgit.yaml").write_text(SETTINGS.replace("accuracy: {direction: higher}", "mae: {direction: lower}"))
    commit(root)
    truth = [number / 7 for number in range(ROWS)]
    for version, role, off in (("v1.0.0", "champion", 2.0), ("v1.1.0", "shadow", 0.5)):
        answers = [(f"r{number}", [[0]], [each + off * (1 + number % 3)]) for number, each in enumerate(truth)]
        write(root / "logs" / "churn", answers, version=version, role=role, classes=())
    found = compare("churn", labels=labels(root, truth))
    assert (found.agreement, found.amounts.widest) == (None, pytest.approx(4.5))
    assert [(each.metric, each.standing) for each in found.review.metrics] == [("mae", "better")]


def test_time_may_be_bounded(root):
    logged(root, scores(wrong_every=10), scores(wrong_every=10))
    assert START == 1_800_000_000  # 2027-01-15T08:00:00Z
    assert len(compare("churn", since="2027-01-15", until="2027-01-15").pairs.ids) == ROWS
    assert len(compare("churn", since="2027-01-15T08:00:10Z", until="2027-01-15T08:00:20Z").pairs.ids) == 10
    with pytest.raises(MlgitError, match="no request was answered by two versions"):
        compare("churn", since="2027-01-16")
    with pytest.raises(MlgitError, match="--to 2027-01-14 is not after --from 2027-01-15"):
        compare("churn", since="2027-01-15", until="2027-01-14")
    with pytest.raises(MlgitError, match="--from: 'monday' is not a date"):
        compare("churn", since="monday")


def test_canary_answers_other_requests_and_that_is_said(root):
    write(root / "logs" / "churn", single([0.1]), version="v1.0.0")
    write(root / "logs" / "churn", single([0.1], prefix="c"), version="v1.1.0", role="canary")
    with pytest.raises(MlgitError, match=r"logs/churn: no request was answered by two versions of churn") as caught:
        compare("churn")
    assert "a canary other requests" in caught.value.hint


def test_log_may_lie_anywhere(root, tmp_path):
    with pytest.raises(MlgitError, match="no such log"):
        compare("churn")
    for version, role in (("v1.0.0", "champion"), ("v1.1.0", "shadow")):
        write(tmp_path / "elsewhere", single([0.1]), version=version, role=role)
    assert len(compare("churn", log=str(tmp_path / "elsewhere")).pairs.ids) == 1


def test_document_holds_numbers_that_json_knows(root):
    logged(root, scores(wrong_every=4), scores(wrong_every=50))
    found = compare("churn", labels=labels(root)).document()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert (found["schema"], found["pairs"], found["verdict"]) == (1, ROWS, "pass")
    assert found["challenger"]["role"] == "shadow"


def test_declared_metrics_are_compared_and_rules_of_other_test_sets_are_not_asked(root):
    made = 'metrics: {missed: {direction: lower, expression: "mean((label == 1) * (prediction == 0))"}, '
    rules = RULES.replace("metric: f1, min: 0.9, model: other", "metric: f1, min: 0.9, on: abroad")
    text = SETTINGS.replace("metrics: {", made, 1).replace("id: id}", "id: id, tests: {abroad: {predictions: b.csv}}}")
    (root / "mlgit.yaml").write_text(text + rules)
    commit(root)
    logged(root, scores(wrong_every=10), scores(wrong_every=20))
    found = compare("churn", labels=labels(root))
    assert [each.id for each in found.review.judged] == ["right"]
    (missed,) = [each for each in found.review.metrics if each.metric == "missed"]
    assert (missed.baseline, missed.current) == pytest.approx((0.0, 0.0))
    assert found.review.metrics
