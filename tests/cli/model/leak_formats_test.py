"""Card and audit count the same rows of the test data in the training data, whatever the formats they are in."""

from __future__ import annotations

import json
import sys

import pytest

from tests.cli.model.get_test import tag
from tests.registry.projects import FILES, PIPELINE, made

pytestmark = pytest.mark.slow  # a repository for each pair

PREPARE = f"""\
{sys.executable} - <<'PYTHON'
import pandas as pd
rows = pd.read_csv("data/raw.csv")
train, test = rows.head(15), rows.tail(8)
for frame, path in ((train, "data/TRAIN"), (test, "data/TEST")):
    if path.endswith("parquet"):
        frame.to_parquet(path)
    elif "json" in path:
        frame.astype(float).to_json(path, orient="records", lines=".jsonl" in path)
    else:
        frame.assign(id=frame["id"] + 100).to_csv(path, index=False, sep="\\t" if ".tsv" in path else ",")
PYTHON
"""
EVALUATE = """\
mkdir -p reports
echo '{"auc": 0.5}' > reports/metrics.json
printf 'id,label,prediction\\n1,1,1\\n2,0,0\\n' > reports/predictions.csv
"""
CARD = """\
    card: {out: cards/churn.md, notes: cards/churn.yaml}
"""


@pytest.mark.parametrize(
    ("train", "test"),
    [("train.parquet", "test.csv.gz"), ("train.jsonl.gz", "test.parquet"), ("train.tsv", "test.json")],
)
def test_card_and_audit_print_the_same_number_of_shared_rows(tmp_path, cli, train, test):
    def named(text):
        return text.replace("train.csv", train).replace("test.csv", test)

    files = {
        "dvc.yaml": named(PIPELINE),
        "mlgit.yaml": named(FILES["mlgit.yaml"]) + CARD,
        "src/prepare.sh": PREPARE.replace("TRAIN", train).replace("TEST", test),
        "src/evaluate.sh": EVALUATE,
    }
    root = made(tmp_path / "project", cli, files)
    done = cli(root, "card", "build")
    assert done.code == 0, done.said
    assert "3 of 8 rows of the test data are in the training data too." in (root / "cards/churn.md").read_text()
    tag(root, "churn@v1.0.0")
    found = json.loads(cli(root, "model", "audit", "churn", "--format", "json").out)
    assert found["leakage"] == {"found": 3, "rows": 8, "unchecked": ""}
    assert [each["rows"] for each in found["data"] if each["path"].startswith(("data/te", "data/tr"))] == [8, 15]
