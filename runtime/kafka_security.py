"""How does a client show Kafka who it is? `kafka.security` of the configuration in the words of each client library."""

from __future__ import annotations

from typing import Any

from tracemill.config import ConfigError, KafkaSecurity


def librdkafka(security: KafkaSecurity) -> dict[str, Any]:
    """Settings of a librdkafka client; none where nothing is asked for.

    Raises:
        ConfigError: the password's file can't be read.
    """
    settings: dict[str, Any] = {}
    if security.tls or security.mechanism:
        transport = "SSL" if security.tls else "PLAINTEXT"
        settings["security.protocol"] = f"SASL_{transport}" if security.mechanism else transport
    files = {"ca": security.ca_file, "certificate": security.cert_file, "key": security.key_file}
    settings |= {f"ssl.{name}.location": str(file) for name, file in files.items() if file}
    if security.mechanism:
        settings["sasl.mechanisms"] = security.mechanism
        settings["sasl.username"], settings["sasl.password"] = security.username, password(security)
    return settings


def password(security: KafkaSecurity) -> str:
    """The password, from its file where there is one; a line break at its end isn't part of it.

    Raises:
        ConfigError: the file can't be read.
    """
    if security.password_file is None:
        return security.password
    try:
        return security.password_file.read_text().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"kafka.security.password_file: {error}") from error
