"""What is coming: loads and PV, each forecast with the time at which it was made."""
