"""What a regular expression finds: no model is worth its price that does no better."""

import re

HEADING = re.compile(r"^Parameters\n-{3,}\n", re.MULTILINE)
NEXT_HEADING = re.compile(r"\n\S[^\n]*\n-{3,}(\n|\Z)")
NAMES = re.compile(r"^(\*{0,2}\w[\w*, ]*?)(?: *:.*)?$", re.MULTILINE)


def parameter_names(text: str) -> list[str]:
    """The names at the beginning of lines below the heading "Parameters"."""
    heading = HEADING.search(text)
    if not heading:
        return []
    section = NEXT_HEADING.split(text[heading.end() :])[0]
    lines = (match[1] for match in NAMES.finditer(section))
    return [name.strip().lstrip("*") for line in lines for name in line.split(",")]
