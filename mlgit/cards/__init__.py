"""Model cards: a function of the commit and of the human notes in it."""
