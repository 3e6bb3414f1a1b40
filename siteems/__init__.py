"""siteems: energy controller for communication sites with PV, battery, grid and telecom load."""

__version__ = "0.1.0"
