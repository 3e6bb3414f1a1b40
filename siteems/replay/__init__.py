"""Replay: the site's controller under a virtual clock, with recorded data and a simulated site."""
