"""Peer projects on problem S1, each run as `python -m peers.NAME` by the Python of its own environment."""
