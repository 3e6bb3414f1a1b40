"""IEC 60870-5-104: what a grid operator's control room reads of the site and may command."""
