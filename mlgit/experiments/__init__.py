"""Trials beside the working tree and runs logged from code, as refs of Git."""
