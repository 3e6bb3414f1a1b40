"""The historian: samples, plans, commands, DR events and alarms of a site in one SQLite file."""
