"""The log of one machine: a real Apache Kafka, one node that is broker and controller (KRaft)."""
