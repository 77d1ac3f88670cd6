"""Tables: read piece by piece, described, digested and compared. One reader for every format."""
