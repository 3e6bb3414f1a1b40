"""The installer's tools: find devices, look at their models, try them, sum up a site."""
