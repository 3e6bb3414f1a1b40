"""IEC 60870-5-104: this machine as a controlled station (extra `grid104`)."""
