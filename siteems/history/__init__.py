"""The historian: what was measured, planned, commanded, called for, and what went wrong."""
