"""Ports in use are found and named."""

import os
import socket

import pytest

from embedded.ports import conflicts, is_free, settle
from embedded.refusals import PortsTaken
from runtime.ports import free_port


def test_a_free_port_is_free_until_someone_listens():
    port = free_port()
    assert is_free(port)
    with socket.create_server(("127.0.0.1", port)):
        assert not is_free(port)
        assert conflicts({"API": port}) != []
    assert conflicts({"API": port}) == []


def test_who_has_it_and_who_should_move_is_said():
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(PortsTaken) as refused:
            settle({"API": port}, patience_s=0.0)
    assert f"port {port} (API) is in use by pid {os.getpid()} (" in str(refused.value)
    assert "--port-offset" in str(refused.value)


def test_a_port_for_two_purposes_is_refused():
    port = free_port()
    assert conflicts({"API": port, "store": port}) == [
        f"port {port} is configured for API and store: give each its own"
    ]
