"""Replay: the site's controller under a virtual clock, against recorded data and a simulated site."""
