"""The problems that are planned: S1, which every peer can express, and rolling windows of a site."""
