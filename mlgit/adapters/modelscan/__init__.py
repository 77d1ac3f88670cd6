"""Model files looked through without loading them: their format, and whether loading could run foreign code."""
