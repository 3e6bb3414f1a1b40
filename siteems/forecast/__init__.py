"""What is coming: load and photovoltaics, each forecast with the time at which it was made."""
