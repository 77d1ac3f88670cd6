"""`python -m mlgit`."""

from mlgit.cli.main import main

main()
