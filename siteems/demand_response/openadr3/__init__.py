"""OpenADR 3.1: the site as a virtual end node (VEN) of a grid operator's server (VTN)."""
