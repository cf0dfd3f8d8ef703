"""What does Tracemill do under load? Generated traffic, a ledger of what was acknowledged, and a benchmark."""
