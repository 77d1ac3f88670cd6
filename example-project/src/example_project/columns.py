"""The columns of the raw table; schemas/raw.odcs.yaml says what must be in them."""

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
