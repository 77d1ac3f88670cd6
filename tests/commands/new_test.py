"""Making a project, from Python."""

from __future__ import annotations

import pytest

from mlgit.commands.new import new
from mlgit.commands.template_library import templates
from mlgit.errors import MlgitError


@pytest.mark.slow  # real `dvc init`
def test_project_is_made_from_values(notebook):
    root = notebook()
    made = new(root.parent / "tumor", template="minimal", ask=lambda question, presumed: presumed)
    assert made.created.folder == root.parent / "tumor"
    assert (made.created.folder / "dvc.yaml").exists()
    assert made.document()["commit"] == made.created.commit
    assert made.following("-x")[0] == "cd ./-x"


def test_templates_say_what_they_are(notebook):
    notebook()
    assert "minimal" in [each.name for each in templates()]
    with pytest.raises(MlgitError, match="no such question"):
        new("x", template="minimal", assignments=["nothing=1"])
