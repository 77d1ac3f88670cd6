"""What becomes of a docstring before a model sees it."""

import hashlib
import re

# Words that name a library. A text that says "a NumPy array" gives its label away: a model that
# reads them learns to look for names, and fails where nobody wrote one. Compared in lower case.
NAMES = (
    "joblib",
    "np",
    "numpy",
    "pandas",
    "pd",
    "scikit",
    "scikits",
    "scipy",
    "sklearn",
    "skops",
    "sp",
)
MASK = "library"
# What a model takes for a word; the one name of two words is one, and left out as a whole.
WORD = r"\bscikit[ -]learn\b|\b\w\w+\b"
LEFT_OUT = (*NAMES, MASK, "scikit-learn", "scikit learn")
FEWEST_WORDS = 3

_NAME = re.compile(
    rf"(?<![^\W_])(?:scikit[\s-]*learn|{'|'.join(NAMES)})(?![^\W_])", flags=re.IGNORECASE
)
_PARAGRAPH_END = re.compile(r"\n\s*\n")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s")


def first_sentence(docstring: str) -> str:
    """The first sentence in one line; the first paragraph where no sentence ends in it."""
    paragraph = _PARAGRAPH_END.split(docstring.strip(), maxsplit=1)[0]
    return _SENTENCE_END.split(" ".join(paragraph.split()), maxsplit=1)[0]


def masked(text: str) -> str:
    """The text without names of libraries."""
    return _NAME.sub(MASK, text)


def words(text: str) -> list[str]:
    """The words of a text in lower case: what is left of it when it is compared."""
    return re.findall(r"\w+", text.lower())


def identity(text: str) -> str:
    """The same for two texts that differ in case, white space and punctuation only.

    It begins with a letter that no number has: some programs read 1e9 and 10e8 as the same.
    """
    return "t" + hashlib.sha256(" ".join(words(text)).encode()).hexdigest()[:15]


def length(text: str) -> str:
    """How long a text is, as the slice that it counts for."""
    count = len(words(text))
    if count <= 6:
        return "1 to 6 words"
    return "7 to 10 words" if count <= 10 else "over 10 words"
