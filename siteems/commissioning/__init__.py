"""Tools for the installer: find devices, show their models, read one, summarise a site."""
