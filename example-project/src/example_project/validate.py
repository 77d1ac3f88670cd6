"""Stage `validate`: stop the pipeline when the raw table breaks the contract."""

import sys

import pandas as pd

from . import contract, files


def validate(frame: pd.DataFrame) -> dict[str, int]:
    """What is known of a sound table; ValueError naming everything wrong with another."""
    problems = contract.problems(frame)
    if problems:
        raise ValueError("; ".join(problems))
    return {"rows": len(frame), "positives": int(frame[contract.LABEL].sum())}


if __name__ == "__main__":
    try:
        files.write_json(files.VALIDATION, validate(files.read_csv(files.RAW)))
    except ValueError as error:
        sys.exit(f"{files.RAW}: {error}")
