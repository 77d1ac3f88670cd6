"""One function per use case: values in, a result value out, and nothing printed. This is what a notebook calls.

A result is frozen, tells its answer as the exit code of the command that shows it (`exit_code`), and as JSON (`document()`).
What is worth knowing while the function works goes to the `note` or the reporter that the caller passes.
"""
