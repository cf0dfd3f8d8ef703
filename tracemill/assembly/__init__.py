"""Which spans belong together, and when is a trace finished? Decided record by record, in log time."""
