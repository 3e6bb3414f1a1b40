"""The question: a site over a horizon, as numbers."""
