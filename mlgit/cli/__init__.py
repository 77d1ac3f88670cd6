"""One file per command: parse, call, print. Nothing below this room prints."""
