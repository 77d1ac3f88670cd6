"""DVC's own functional tests, run against mlgit's engine. Needs a DVC source tree; none of it is kept here."""
