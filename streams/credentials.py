"""How does Faust show Kafka who it is?"""

from __future__ import annotations

import ssl

import faust
from faust.types.auth import CredentialsT

from runtime.kafka_security import password
from tracemill.config import ConfigError, KafkaSecurity


def credentials(security: KafkaSecurity) -> CredentialsT | None:
    """`kafka.security` for Faust, None where nothing is asked for.

    Raises:
        ConfigError: a file can't be read.
    """
    context = _context(security) if security.tls else None
    if security.mechanism:
        return faust.SASLCredentials(
            username=security.username,
            password=password(security),
            ssl_context=context,
            mechanism=security.mechanism,
        )
    return faust.SSLCredentials(context) if context else None


def _context(security: KafkaSecurity) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=security.ca_file)
        if security.cert_file:
            context.load_cert_chain(security.cert_file, security.key_file)
    except OSError as error:
        raise ConfigError(f"kafka.security: ca_file, cert_file or key_file: {error}") from error
    return context
