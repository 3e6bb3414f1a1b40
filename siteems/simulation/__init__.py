"""A simulated site: the physics of the -48 V bus, and its devices served over real protocols."""
