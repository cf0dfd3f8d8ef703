"""Traffic for a newcomer to look at: agents with real clients and real instrumentation, and a provider to talk to."""
