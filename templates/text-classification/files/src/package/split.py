"""Stage `split`: the texts to learn from, and those to be judged by.

Texts of one module resemble each other ("Fit the model.", "Fit the model to X."). Split one by
one, each test text would have near copies in the training data, and the score would tell how well
the model remembers. So a module is in one part as a whole.
"""

import hashlib

import pandas as pd

from . import columns, files, parameters


def parts(
    frame: pd.DataFrame, given: parameters.Split, *, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training and test texts of the sample; where it grows, no text changes sides."""
    train, test = split(frame, test_size=given.test_size, seed=seed)
    in_test = round(given.test_size * given.sample)
    return (
        sample(train, size=given.sample - in_test, seed=seed),
        sample(test, size=in_test, seed=seed),
    )


def sample(frame: pd.DataFrame, *, size: int, seed: int) -> pd.DataFrame:
    """As many texts as `size`, in the order of their ids; all of them for 0.

    What is chosen follows from seed and id alone: new texts push out few of the others.
    """
    if not size:
        return frame
    place = frame[columns.ID].map(lambda each: _draw(seed, each))
    return frame.loc[place.sort_values().index[:size]].sort_values(columns.ID)


def split(frame: pd.DataFrame, *, test_size: float, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training and test texts: of each label the same share, as near as modules come to it."""
    chosen: set[tuple[str, str]] = set()
    for label, rows in frame.groupby(columns.LABEL):
        sizes = rows[columns.MODULE].value_counts()
        room = round(test_size * len(rows))
        for module in sorted(sizes.index, key=lambda each: _draw(seed, each)):
            if sizes[module] <= room:
                chosen.add((str(label), module))
                room -= sizes[module]
    is_test = [
        each in chosen for each in zip(frame[columns.LABEL], frame[columns.MODULE], strict=True)
    ]
    test = pd.Series(is_test, index=frame.index)
    return frame[~test], frame[test]


def _draw(seed: int, name: str) -> str:
    return hashlib.sha256(f"{seed}:{name}".encode()).hexdigest()


if __name__ == "__main__":
    given = parameters.read()
    train, test = parts(files.read_csv(files.RAW), given.split, seed=given.seed)
    files.write_csv(files.TRAIN, train)
    files.write_csv(files.TEST, test)
