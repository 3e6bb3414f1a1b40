"""How files that people write are read, and how their errors are reported."""
