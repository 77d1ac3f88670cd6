"""The columns of the tables; schemas/raw.odcs.yaml says what must be in them."""

ID = "id"
LABEL = "label"
TEXT = "text"
# Texts of one module were written together: they are split together, too.
MODULE = "module"
RAW = (ID, LABEL, MODULE, "name", TEXT)

# Of predictions: which words decide, how sure the model is, and the slices of mlgit.yaml.
PREDICTION = "prediction"
CONFIDENCE = "confidence"
LENGTH = "length"
