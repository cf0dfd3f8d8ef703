"""What every process of Tracemill does alike: logs, health and metrics, signals, Kafka clients, topics."""
