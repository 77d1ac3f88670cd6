"""The mark in the text of a retrain pull request, which people may edit."""

from __future__ import annotations

import pytest

from mlgit.monitoring import retrain_marker
from mlgit.monitoring.retrain_marker import RetrainMarker

MARKER = RetrainMarker("models/nlp:churn", "v1.2.0", "md5:0123456789abcdef.dir", ("drift", "new_rows"))


@pytest.mark.parametrize("marker", [MARKER, MARKER._replace(triggers=()), MARKER._replace(is_closed_by_mlgit=True)])
def test_mark_is_read_as_it_was_written_wherever_people_put_it(marker):
    assert retrain_marker.parse(f"Hello\r\n\r\n  {marker}\r\nmore") == marker


@pytest.mark.parametrize(
    "body", ["", "no mark", "<!-- mlgit:report v1 key=x -->", str(MARKER).replace("v1 ", "v2 "), "x" * 30_000 + str(MARKER)]
)
def test_text_without_a_mark_has_none(body):
    assert retrain_marker.parse(body) is None
    assert retrain_marker.closed_by_mlgit(body) == body


def test_who_closed_is_written_into_the_mark_and_the_rest_stays():
    body = retrain_marker.closed_by_mlgit(f"a\n{MARKER}\nb {MARKER.model}")
    assert body == f"a\n{MARKER._replace(is_closed_by_mlgit=True)}\nb {MARKER.model}"


def test_no_two_models_have_one_branch_and_none_lies_below_another():
    names = ["a", "a/b", "a:b", "a/b:c", "a:b/c", "b"]
    branches = {retrain_marker.branch(each) for each in names}
    assert len(branches) == len(names)
    assert retrain_marker.branch("tumor") == "retrain/tumor"
    assert not any(one.startswith(f"{other}/") for one in branches for other in branches)
