"""How files that people write are read, and how problems in them are reported."""
