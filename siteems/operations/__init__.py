"""What the people who run sites see: alarms, status, logs, the service manager."""
