"""The requirement of mlgit, with an extra: what pip reads in it."""

from __future__ import annotations

import pytest
from packaging.requirements import Requirement

from mlgit.scaffold.requirement import with_extra


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("mlgit==0.1.0", "mlgit[data]==0.1.0"),
        ("mlgit", "mlgit[data]"),
        ("mlgit >=0.1,<1", "mlgit[data] >=0.1,<1"),
        ("mlgit[dask]==0.1.0", "mlgit[dask,data]==0.1.0"),
        ("mlgit [data, dask] ==1", "mlgit[dask,data] ==1"),
        ("mlgit[]==1", "mlgit[data]==1"),
        ("our-mlgit==1 ; python_version > '3'", "our-mlgit[data]==1 ; python_version > '3'"),
        (
            "mlgit @ git+https://example.com/m.git@abc#subdirectory=x",
            "mlgit[data] @ git+https://example.com/m.git@abc#subdirectory=x",
        ),
        ("git+https://example.com/mlgit@v1", "mlgit[data] @ git+https://example.com/mlgit@v1"),
        (
            "https://example.com/a;b/mlgit-0.1-py3-none-any.whl",
            "mlgit[data] @ https://example.com/a;b/mlgit-0.1-py3-none-any.whl",
        ),
        ("/abs/mlgit-0.1.0-py3-none-any.whl", "mlgit[data] @ file:///abs/mlgit-0.1.0-py3-none-any.whl"),
        ("/abs/mlgit.whl[dask]", "mlgit[dask,data] @ file:///abs/mlgit.whl"),
        ("/a b/mlgit é", "mlgit[data] @ file:///a%20b/mlgit%20%C3%A9"),
        ("file:///abs/m.whl ; python_version > '3'", "mlgit[data] @ file:///abs/m.whl ; python_version > '3'"),
    ],
)
def test_extra_is_added_where_pip_looks_for_it(given, expected):
    found = with_extra(given, "data")
    assert found == expected
    assert "data" in Requirement(found).extras
    assert with_extra(found, "data") == found


def test_without_an_extra_the_requirement_stays_as_it_was_written():
    assert with_extra("/a b/mlgit", "") == "/a b/mlgit"


@pytest.mark.parametrize("given", ["_x==1", "@", "é", "/a\nb"])
def test_what_is_no_requirement_stays_for_pip_to_refuse(given):
    assert with_extra(given, "data") == given
