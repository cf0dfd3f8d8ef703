"""What do control records say? Commands that change decisions, appended to the partitions of `otlp.v1` they concern."""
