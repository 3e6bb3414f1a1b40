"""One day end to end: simulator and daemon as real processes, an accelerated clock, a verdict and a
picture.
"""
