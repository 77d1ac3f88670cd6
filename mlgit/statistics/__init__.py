"""Numbers in, results out: intervals, paired comparisons, corrections for many comparisons."""
