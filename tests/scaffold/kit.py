"""Templates in a few lines: a manifest is a mapping, files are texts."""

import json

from mlgit.scaffold import manifest

HEAD = {"mlgit_template": 1, "name": "demo", "version": "1.2.3", "description": "a template of a test"}


def question(kind="str", **more):
    return {"type": kind, "doc": "what?", **more}


def make_template(contents=None, /, **more):
    """A template as a value: the contents of its files, and further keys of its manifest."""
    files = {path: text.encode() if isinstance(text, str) else text for path, text in (contents or {}).items()}
    return manifest.template({**HEAD, **more}, files)


def write_template(folder, contents=None, /, **more):
    """The same on disk; the folder."""
    (folder / "files").mkdir(parents=True)
    (folder / "template.yaml").write_text(json.dumps({**HEAD, **more}))
    for path, text in (contents or {}).items():
        (folder / "files" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "files" / path).write_text(text)
    return folder
