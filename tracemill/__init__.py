"""The domain of Tracemill and its contracts: no Kafka, no clock, no dice, no event loop."""
