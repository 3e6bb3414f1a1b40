"""Demand response: what the grid asks of a site. Adapters for protocols turn their messages into
`DrEvent`.
"""
