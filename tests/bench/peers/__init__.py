"""Those that are measured beside bffd, each set up as its own documentation recommends."""

PEERS = []
