"""DuckDB, locked down: it reads the files it was given and nothing else, and writes nothing."""
