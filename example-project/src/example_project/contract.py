"""What the data must look like before anything is learned from it."""

import pandas as pd

ID = "id"
LABEL = "label"

# Each nucleus was measured in ten ways; a row has the mean, the standard error and the
# worst (the mean of the three largest) value of each over the nuclei of one image.
MEASURES = (
    "radius",
    "texture",
    "perimeter",
    "area",
    "smoothness",
    "compactness",
    "concavity",
    "concave_points",
    "symmetry",
    "fractal_dimension",
)
FEATURES = (
    *(f"mean_{name}" for name in MEASURES),
    *(f"{name}_error" for name in MEASURES),
    *(f"worst_{name}" for name in MEASURES),
)
COLUMNS = (ID, *FEATURES, LABEL)
MIN_ROWS = 100


def problems(frame: pd.DataFrame) -> list[str]:
    """Everything in which the table breaks the contract; an empty list when it holds."""
    if tuple(frame.columns) != COLUMNS:
        missing = [name for name in COLUMNS if name not in frame.columns]
        unknown = [name for name in frame.columns if name not in COLUMNS]
        return [f"columns: missing {missing}, unknown {unknown}, or in another order"]
    found = []
    if len(frame) < MIN_ROWS:
        found.append(f"rows: {len(frame)}, expected at least {MIN_ROWS}")
    if frame[ID].duplicated().any():
        found.append(f"{ID}: {int(frame[ID].duplicated().sum())} duplicates")
    if not frame[LABEL].isin([0, 1]).all() or frame[LABEL].nunique() < 2:
        labels = sorted(set(frame[LABEL]), key=str)[:5]
        found.append(f"{LABEL}: expected 0 and 1, found {labels}")
    for name in FEATURES:
        found += _column_problems(frame[name])
    return found


def _column_problems(column: pd.Series) -> list[str]:
    if not pd.api.types.is_numeric_dtype(column):
        return [f"{column.name}: not numbers"]
    found = []
    if column.isna().any():
        found.append(f"{column.name}: {int(column.isna().sum())} missing values")
    # A length, an area or a ratio of them: never negative, and no tumour is this large.
    outside = int(((column < 0) | (column > 10_000)).sum())
    if outside:
        found.append(f"{column.name}: {outside} values outside 0..10000")
    return found
