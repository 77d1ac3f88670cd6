"""Data contracts: what may come in, written down in the Open Data Contract Standard and judged cell by cell."""
