"""The planning problem: a site over a horizon, as numbers."""
