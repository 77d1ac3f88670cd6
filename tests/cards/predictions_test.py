"""Tables of predictions: read as they are, and refused with the place of what is wrong."""

from __future__ import annotations

import pytest

from mlgit.cards.predictions import parse
from mlgit.config import CardFiles, Model
from mlgit.errors import MlgitError

MODEL = Model("churn", CardFiles("n", "o"), slices=("region",))


def read(text, path="p.csv"):
    return parse(text.encode(), path=path, model=MODEL)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("p.csv", '\ufeffregion,label,prediction,score\n"a, b",1,0,0.25\n\nc,0,0,1e-3\n'),
        ("p.tsv", "region\tlabel\tprediction\tscore\na, b\t1\t0\t0.25\nc\t0\t0\t0.001\n"),
        (
            "p.jsonl",
            '{"region": "a, b", "label": 1, "prediction": 0, "score": 0.25}\n\n'
            '{"score": 0.001, "region": "c", "label": 0, "prediction": 0}\n',
        ),
    ],
)
def test_columns_are_read(path, text):
    found = read(text, path)
    assert (found.label, found.prediction, found.score) == (("1", "0"), ("0", "0"), (0.25, 0.001))
    assert (dict(found.slices), len(found)) == ({"region": ("a, b", "c")}, 2)
    assert found.numbers == ([1.0, 0.0], [0.0, 0.0])


def test_other_formats_are_not_read():
    assert read("x", "p.parquet") is None


def test_table_without_rows_and_without_score():
    assert len(read("region,label,prediction\n")) == 0
    assert read("region,label,prediction\na,x,y\n").score == ()
    assert read("region,label,prediction\na,x,y\n").numbers is None


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        ("p.csv", "region,label,predicton\na,1,1\n", "no column 'prediction', did you mean 'predicton'?"),
        ("p.csv", "area,label,prediction\na,1,1\n", "no column 'region'"),
        ("p.csv", "region,label,prediction,score\na,1,1,high\n", "'high' is not a score"),
        ("p.csv", "region,label,prediction,score\na,1,1,nan\n", "'nan' is not a score"),
        ("p.csv", "region,label,prediction\na,1\n", "not a table of predictions: row 1 has 2 values for 3 columns"),
        ("p.csv", "region,label,prediction\n\x00\n", "not a table of predictions"),
        ("p.jsonl", '{"region": "a", "label": 1, "prediction": 1}\n{"label": 1}\n', "no column 'prediction'"),
        ("p.jsonl", "[1]\n", "a line is no JSON object"),
        ("p.jsonl", "{\n", "not a table of predictions"),
    ],
)
def test_what_is_wrong_is_told(path, text, said):
    with pytest.raises(MlgitError) as caught:
        read(text, path)
    assert caught.value.message.startswith(path)
    assert said in caught.value.message


def test_bytes_that_are_no_text_are_told():
    with pytest.raises(MlgitError, match="not a table of predictions"):
        parse(b"\xff\xfe", path="p.csv", model=MODEL)
