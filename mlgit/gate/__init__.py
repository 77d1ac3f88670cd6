"""Rules of a gate -> verdict on a change."""
