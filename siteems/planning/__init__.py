"""The slow loop: from site, image, forecast and signals to a plan, and what holds when there is
none.
"""
