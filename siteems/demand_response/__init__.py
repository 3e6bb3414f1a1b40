"""Demand response (DR): what the grid asks of a site. Protocol adapters make `DrEvent`s of it."""
