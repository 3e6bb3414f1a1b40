"""Pure mathematics: numbers in, numbers out. No clock, no configuration file.

I/O only where it is the point: `cache.py` keeps compiled models, `worker.py` speaks with its
parent.
"""
