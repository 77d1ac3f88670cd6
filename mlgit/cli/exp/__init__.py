"""`mlgit exp`: experiments."""
