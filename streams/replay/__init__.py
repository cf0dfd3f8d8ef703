"""What would other rules have kept of what came? A log read again, decided beside what was decided, and not written."""
