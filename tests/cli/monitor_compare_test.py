"""What `mlgit monitor compare` prints."""

from __future__ import annotations

import pytest

from tests.kit import commit, repository, write_tree
from tests.serving.logs import single, write

SETTINGS = """\
mlgit: 1
metrics: {accuracy: {direction: higher}}
models: {churn: {predictions: predictions.csv, id: id}}
"""
RULE = "gates: {rules: [{id: right, kind: no_worse, metric: accuracy, margin: 0.05}]}\n"
TRUTH = [number % 2 for number in range(100)]


@pytest.fixture
def root(tmp_path):
    root = repository(tmp_path / "project", {"mlgit.yaml": SETTINGS, "dvc.yaml": "stages: {}\n", ".gitignore": "/logs\n"})
    right = [0.9 if each else 0.1 for each in TRUTH]
    write(
        root / "logs" / "churn",
        single([1 - each if place % 4 == 0 else each for place, each in enumerate(right)]),
        version="v1.0.0",
    )
    write(root / "logs" / "churn", single(right[:-1]), version="v1.1.0", role="shadow")
    write_tree(root, {"labels.csv": "id,label\n" + "".join(f"r{place},{each}\n" for place, each in enumerate(TRUTH))})
    return root


def test_without_labels_it_tells_how_far_both_are_apart(cli, root):
    done = cli(root, "monitor", "compare", "churn")
    assert (done.code, done.out.splitlines()) == (
        0,
        [
            "churn: v1.0.0 (champion) and v1.1.0 (shadow) answered the same 99 rows, 2027-01-15T08:00:00.000Z to "
            "2027-01-15T08:01:38.000Z",
            "the same prediction in 74 of 99 rows: 74.7 % (65.4 to 82.3; 95 % interval, 2.5 % a side)",
            "on average scores differ by -0.202 (-0.272 to -0.132; 95 % interval, 2.5 % a side)",
            "scores are apart by 0.20202 on average, by no more than 0.8 in 99 % of the rows, 0.8 at most",
            "who is right nobody knows yet: --labels FILE compares both by the metrics of mlgit.yaml",
        ],
    )


def test_with_labels_it_tells_which_is_better(cli, root):
    done = cli(root, "monitor", "compare", "churn", "--labels", "labels.csv")
    assert done.code == 0, done.said
    assert "pass: no declared metric is shown to be worse" in done.out
    assert "accuracy ↑" in done.out
    assert done.out.rstrip().endswith("better")


def test_rules_are_told_as_by_the_gate(cli, root):
    (root / "mlgit.yaml").write_text(SETTINGS + RULE)
    commit(root)
    done = cli(root, "monitor", "compare", "churn", "--labels", "labels.csv")
    assert "pass: 1 of 1 rule passed\nv1.1.0 (shadow) vs v1.0.0 (champion)" in done.out
    assert "✓ pass  right (churn): needs" in done.out


def test_columns_of_labels_are_refused_without_a_file(cli, root):
    done = cli(root, "monitor", "compare", "churn", "--label", "left")
    assert done.code == 2
    assert "--label and --id are columns of --labels FILE" in done.err


def test_nothing_to_compare_cannot_be_answered(cli, root):
    done = cli(root, "monitor", "compare", "churn", "--from", "2027-02-01")
    assert done.code == 2
    assert "no request was answered by two versions of churn" in done.err
