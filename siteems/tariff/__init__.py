"""Tariffs: versioned calendars of periods and what a kWh costs at a given time."""
