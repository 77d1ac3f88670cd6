"""Columns that hold rates, by the names that scikit-learn and DVCLive give them: a curve of two of them is a square."""

# Both axes of these go from 0 to 1, whatever part of them the values fill.
RATES = {
    *("fpr", "false_positive_rate", "tpr", "true_positive_rate", "recall", "precision", "sensitivity", "specificity"),
    *("prob_pred", "prob_true"),
}
CHANCE = {"fpr", "false_positive_rate", "prob_pred"}  # with one of these across, the diagonal means something
CORNERS = {"fpr", "false_positive_rate"}  # and with one of these a curve begins at (0, 0) and ends at (1, 1)
