"""Checks between the values of a site file, which the type of a single value cannot make."""
