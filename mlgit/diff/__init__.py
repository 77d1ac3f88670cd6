"""Two snapshots -> what differs between them."""
