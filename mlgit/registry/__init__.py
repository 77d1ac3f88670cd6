"""The registry: tags in GTO's grammar, folded into which version is where, and the evidence behind it."""
