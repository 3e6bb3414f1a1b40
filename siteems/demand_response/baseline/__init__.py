"""Baselines: what a site would have imported without an event, by the rules of programmes."""
