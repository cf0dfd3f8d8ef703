"""What makes one machine enough: a real Kafka, the ClickHouse engine behind HTTP, and a supervisor of all parts."""
