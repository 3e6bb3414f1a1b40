"""What is known of the site now: the process image, and the state that only a history of
measurements gives.
"""
