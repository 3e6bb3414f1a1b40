"""The write gate: the only way to a device, with its checks, leases, read-back and records."""
