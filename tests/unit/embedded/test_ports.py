"""Ports in use are found and named."""

import os
import socket
from contextlib import ExitStack

import pytest

from embedded.ports import conflicts, free_port, hold, is_free, settle
from embedded.refusals import PortsTaken


def test_a_free_port_is_free_until_someone_listens():
    port = free_port()
    assert is_free(port)
    with socket.create_server(("127.0.0.1", port)):
        assert not is_free(port)
        assert conflicts({"API": port}) != []
    assert conflicts({"API": port}) == []


def test_nobody_else_is_given_a_free_port_but_a_server_that_asks_for_it_by_number():
    held = {free_port() for _ in range(50)}
    assert all(hold(port) is None for port in held)
    with ExitStack() as others:
        given = [others.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(200)]
        assert held.isdisjoint(one.getsockname()[1] for one in given)
    with socket.create_server(("127.0.0.1", held.pop())) as server:
        socket.create_connection(server.getsockname()).close()


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
