"""Stage `extract`: the raw texts, first sentences of the public docstrings of installed libraries.

Their source is read, and never imported or run. To work on texts of your own, let this stage
fetch them, or delete the stage and track the file with `dvc add`.
"""

import ast
import warnings
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata

import pandas as pd

from . import columns, files, parameters, texts

# Folders of code that is no part of a library's interface, or was written by others.
_LEFT_OUT = {"..", "_lib", "_vendor", "conftest.py", "externals", "testing", "tests"}


def extract(libraries: Mapping[str, str]) -> pd.DataFrame:
    """The texts of these libraries (name to version), each once, without names of libraries.

    A text that several of them have tells none of them and is left out.
    """
    rows = [
        (texts.identity(text), library, module, name, text)
        for library, version in libraries.items()
        for module, name, docstring in docstrings(library, version=version)
        for text in [texts.masked(texts.first_sentence(docstring))]
        if len(texts.words(text)) >= texts.FEWEST_WORDS
    ]
    frame = pd.DataFrame(rows, columns=list(columns.RAW))
    labels = frame.groupby(columns.ID)[columns.LABEL].transform("nunique")
    found = frame[labels == 1].drop_duplicates(columns.ID)
    return found.sort_values(columns.ID, ignore_index=True)


def docstrings(library: str, *, version: str) -> Iterator[tuple[str, str, str]]:
    """Module, name and docstring of each public class, function and method of a library.

    ValueError where another version is installed: its texts are other data.
    """
    try:
        installed = metadata.distribution(library)
    except metadata.PackageNotFoundError:
        raise ValueError(_told(library, version, "it is not installed")) from None
    if installed.version != version:
        raise ValueError(_told(library, version, f"{installed.version} is installed"))
    for file in sorted(installed.files or ()):
        if file.suffix == ".py" and not _LEFT_OUT.intersection(file.parts):
            module = ".".join(file.with_suffix("").parts).removesuffix(".__init__")
            for name, docstring in _public(_parsed(file.locate().read_bytes()).body):
                yield module, name, docstring


def _parsed(source: bytes) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the libraries' own code, such as an odd escape
        return ast.parse(source)


def _public(body: Iterable[ast.stmt], *, within: str = "") -> Iterator[tuple[str, str]]:
    for node in body:
        if isinstance(node, ast.If | ast.Try):
            yield from _public([*node.body, *node.orelse], within=within)
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if not node.name.startswith("_"):
            docstring = ast.get_docstring(node)
            if docstring:
                yield within + node.name, docstring
            if isinstance(node, ast.ClassDef):
                yield from _public(node.body, within=f"{within}{node.name}.")


def _told(library: str, version: str, what: str) -> str:
    hint = "type `pip install -r requirements.txt`, or change both files"
    return f"{library}: params.yaml says {version}, and {what}; {hint}"


if __name__ == "__main__":
    given = parameters.read()
    files.write_csv(files.RAW, extract(given.libraries))
    files.write_csv(files.STRANGERS, extract(given.strangers))
