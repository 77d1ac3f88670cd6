"""The OpenAPI document as a page: everything that can be asked, and nothing that could run."""

from __future__ import annotations

import re

from mlgit.serving import api_page, openapi
from tests.serving.loaded_models import COLUMNS, loaded


def test_page_names_every_path_column_and_status():
    document = openapi.document(loaded())
    page = api_page.page(document)
    assert [path for path in document["paths"] if f"<code>{path}</code>" not in page] == []
    assert [name for name in COLUMNS if f"<code>{name}</code>" not in page] == []
    statuses = {
        code
        for methods in document["paths"].values()
        for each in methods.values()
        if "responses" in each
        for code in each["responses"]
    }
    assert [code for code in statuses if f"<code>{code}</code>" not in page] == []


def test_examples_can_be_opened():
    page = api_page.page(openapi.document(loaded()))
    assert page.count("<details>") == page.count("</details>") > 0
    assert "dataframe_split" in page


def test_text_of_a_release_is_text():
    hostile = "<script>alert(1)</script>"
    page = api_page.page(
        {"info": {"title": hostile, "description": hostile}, "paths": {f"/{hostile}": {"get": {"summary": hostile}}}}
    )
    assert hostile not in page
    assert page.count("&lt;script&gt;") >= 4


def test_page_loads_nothing_from_elsewhere():
    page = api_page.page(openapi.document(loaded()))
    assert not re.search(r"<(script|link|img|iframe)|src=|url\(|@import", page)
    assert api_page.POLICY.startswith("default-src 'none'")
