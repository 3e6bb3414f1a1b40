"""siteems: the controller of a communication site (PV, battery, grid, load) and of many of them
together.
"""

__version__ = "0.1.0"
