"""The fast loop's pure core: one image in, one decision out."""
