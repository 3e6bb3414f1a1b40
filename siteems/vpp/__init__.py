"""The site as part of a virtual power plant: what it can give, and how surely."""
