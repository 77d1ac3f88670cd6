"""mlgit makes a Git repository the whole ML platform."""

__version__ = "0.1.0"
