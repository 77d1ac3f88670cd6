"""The model: how it is built, and how it is kept in a file."""

import io
import re
import zipfile
from pathlib import Path

import skops.io
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from . import texts
from .parameters import Train

_EPOCH = (1980, 1, 1, 0, 0, 0)


def build(given: Train, *, seed: int) -> Pipeline:
    """The untrained model."""
    # names of libraries are masked in the data; a text that was not masked gets the same answer
    words = TfidfVectorizer(
        ngram_range=(1, given.ngrams),
        stop_words=list(texts.LEFT_OUT),
        sublinear_tf=True,
        token_pattern=texts.WORD,
    )
    regression = LogisticRegression(
        C=given.C, class_weight="balanced", max_iter=given.max_iter, random_state=seed
    )
    return make_pipeline(words, regression)


def save(path: Path, model: Pipeline) -> None:
    """Write the model as skops: no code in it, and the same bytes for the same model."""
    # a memory address, by which scikit-learn knows that it has looked at the stop words
    vars(model[0]).pop("_stop_words_id", None)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_same_bytes(skops.io.dumps(model)))


def read(path: Path) -> Pipeline:
    """Read a model; skops refuses whatever is not a known type of scikit-learn or numpy."""
    return skops.io.load(path)


def _same_bytes(archive: bytes) -> bytes:
    """Replace what differs from run to run in skops' archive: memory addresses and the clock."""
    source = zipfile.ZipFile(io.BytesIO(archive))
    schema = source.read("schema.json").decode()
    numbers: dict[str, str] = {}

    def renumber(match: re.Match[str]) -> str:
        return match[1] + numbers.setdefault(match[2], str(len(numbers) + 1))

    # Objects are numbered, and arrays' files named, by address: count them instead.
    schema = re.sub(r'("__id__": |"file": ")(\d+)(?![\w-])', renumber, schema)
    entries = {"schema.json": schema.encode()}
    for name in source.namelist():
        if name != "schema.json":
            address, dot, ending = name.partition(".")
            entries[numbers.get(address, address) + dot + ending] = source.read(name)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as output:
        for name in sorted(entries):
            output.writestr(zipfile.ZipInfo(name, _EPOCH), entries[name])
    return target.getvalue()
