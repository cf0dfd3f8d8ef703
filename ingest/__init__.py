"""OTLP in, over gRPC, HTTP and Kafka; checked, stamped and bundled into the log."""
