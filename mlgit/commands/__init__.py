"""One function per use case: values in, a result value out, and nothing printed. This is what a notebook calls.

A result is frozen. It tells itself as JSON (`document()`), and where the answer can be no, as an exit code (`exit_code`).
What is worth knowing while the function works goes to the `note` or the reporter that the caller passes.
"""
