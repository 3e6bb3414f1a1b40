"""Peer projects on problem S1. Each runs as `python -m peers.NAME` in an environment of its own."""
