"""Why can't a stack start? Each says what to do about it.

CannotStart
├── InUse          another process owns the directory
├── PortsTaken     a port is in use, or configured twice
├── Missing        something isn't installed
├── NotFormatted   Kafka refused its directory
└── StepFailed     topics or tables could not be made
"""

from __future__ import annotations


class CannotStart(Exception):
    """The stack can't start; the text says why and what to do."""


class InUse(CannotStart):
    """Another process owns the directory."""


class PortsTaken(CannotStart):
    """A port is in use, or configured twice."""


class Missing(CannotStart):
    """Something that this machine needs isn't installed."""


class NotFormatted(CannotStart):
    """Kafka's storage couldn't be formatted; the text holds what Kafka said."""


class StepFailed(CannotStart):
    """A step ended with an error; the text says which and holds its last lines."""
