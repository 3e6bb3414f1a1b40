"""Splitting one request over a fleet of sites, and what the fleet can be asked for."""
