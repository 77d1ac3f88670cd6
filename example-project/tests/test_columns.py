"""The contract names the columns that the stages use."""

from pathlib import Path

import yaml

from example_project import columns


def test_contract_raw_table_and_code_have_the_same_columns(raw):
    contract = yaml.safe_load(Path("schemas/raw.odcs.yaml").read_text(encoding="utf-8"))
    (table,) = contract["schema"]
    declared = [each["name"] for each in table["properties"]]
    assert declared == [columns.ID, *columns.FEATURES, columns.LABEL] == list(raw.columns)
