"""Use cases, one function each: values in, a result value out. They own the order of steps; nothing is printed here."""
