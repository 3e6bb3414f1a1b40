"""Pure mathematics: numbers in, numbers out. No I/O, no clock, no configuration file."""
