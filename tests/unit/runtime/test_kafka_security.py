"""What `kafka.security` says becomes each client's settings, and half of an identity is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runtime.kafka_security import librdkafka, password
from tracemill.config import ConfigError, KafkaSecurity, parse


def test_without_security_a_client_is_plain() -> None:
    assert librdkafka(KafkaSecurity()) == {}


@pytest.mark.parametrize(
    ("said", "settings"),
    [
        ({"tls": True}, {"security.protocol": "SSL"}),
        (
            {"tls": True, "ca_file": "ca.pem", "cert_file": "me.pem", "key_file": "me.key"},
            {
                "security.protocol": "SSL",
                "ssl.ca.location": "ca.pem",
                "ssl.certificate.location": "me.pem",
                "ssl.key.location": "me.key",
            },
        ),
        (
            {"mechanism": "SCRAM-SHA-256", "username": "u", "password": "p"},
            {
                "security.protocol": "SASL_PLAINTEXT",
                "sasl.mechanisms": "SCRAM-SHA-256",
                "sasl.username": "u",
                "sasl.password": "p",
            },
        ),
    ],
)
def test_security_in_the_words_of_librdkafka(said: dict[str, Any], settings: dict[str, Any]) -> None:
    assert librdkafka(KafkaSecurity.model_validate(said)) == settings


def test_a_password_is_read_from_its_file_without_the_line_break(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(" p w \r\n")
    said = KafkaSecurity(tls=True, mechanism="PLAIN", username="u", password_file=secret)
    assert password(said) == " p w "


def test_a_password_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    said = KafkaSecurity(mechanism="PLAIN", username="u", password_file=tmp_path / "none")
    with pytest.raises(ConfigError, match=r"password_file.*none"):
        password(said)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("{mechanism: PLAIN, username: u}", "password or password_file"),
        ("{mechanism: PLAIN, password: p}", "needs username"),
        ("{username: u, password: p}", "need a mechanism"),
        ("{tls: true, cert_file: a.pem}", "belong together"),
        ("{ca_file: a.pem}", "with tls: true only"),
        ("{mechanism: GSSAPI, username: u, password: p}", "kafka.security.mechanism"),
    ],
)
def test_half_of_an_identity_is_refused(said: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        parse(f"kafka: {{security: {said}}}")


def test_a_password_is_not_shown() -> None:
    assert "hunter2" not in repr(KafkaSecurity(mechanism="PLAIN", username="u", password="hunter2"))
