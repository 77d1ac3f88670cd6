"""The command line. What it holds itself is the table of command lines that are so plain that they need no parser."""

_JOBS = "-j\0"  # stands for `-j1`, `-j2` and so on; no argument of a process has this character
_MOST_DIGITS = 4

# Click takes longer to import than these take to answer.
FAST = {
    ("--version",): "version",
    ("-V",): "version",
    ("run",): "run",
    ("run", _JOBS): "run",
    ("status",): "status",
    ("model", "list"): "models",
    ("model", "list", "--json"): "models",
}


def fast(arguments: list[str]) -> str:
    """The answer that a plain command line asks for; '' for one that has to be parsed."""
    return FAST.get(tuple(_JOBS if jobs_of(each) else each for each in arguments), "")


def jobs_of(argument: str) -> int:
    """The number in `-jN`, in the spelling that needs no parser; 0 for every other argument."""
    number = argument[2:] if argument.startswith("-j") else ""
    return int(number) if number.isascii() and number.isdigit() and number[0] != "0" and len(number) <= _MOST_DIGITS else 0
