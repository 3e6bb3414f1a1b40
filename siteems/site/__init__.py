"""What a site is, and what follows from its file alone."""
