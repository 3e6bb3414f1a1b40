"""Simulated devices behind real sockets and serial lines, with faults on demand."""
