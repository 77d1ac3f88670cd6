"""What is recorded of a version's metrics and test data."""

from __future__ import annotations

from mlgit.registry import recorded_metrics
from mlgit.registry.facts import DataFile
from mlgit.registry.tag_facts import Recorded


def test_digests_are_of_test_data_only_and_none_where_one_is_unknown():
    one, other = DataFile("b", "2" * 32, role="test"), DataFile("a", "1" * 32, role="test")
    assert recorded_metrics.digests([one, other, DataFile("c", "3" * 32, role="train")]) == ("1" * 32, "2" * 32)
    assert recorded_metrics.digests([one, DataFile("a", "", role="test")]) == ()
    assert recorded_metrics.digests([]) == ()


def test_tag_stands_in_for_a_commit_that_cannot_be_read_and_its_words_are_no_numbers():
    written = Recorded(metrics={"auc": {"value": 0.5}, "odd": {"value": True}, "text": {"value": "1"}})
    assert recorded_metrics.of("v1.0.0", None, written).metrics == {"auc": 0.5}
