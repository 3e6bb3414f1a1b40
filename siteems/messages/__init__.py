"""What the controller decides and reports: codes with typed values, and their text where shown."""
