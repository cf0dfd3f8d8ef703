"""The command `tracemill`."""
