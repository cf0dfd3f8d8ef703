"""A port that a process was given stays its own."""

import socket
from contextlib import ExitStack

from runtime.ports import free_port, hold


def test_nobody_else_is_given_a_free_port_but_a_server_that_asks_for_it_by_number():
    held = {free_port() for _ in range(50)}
    assert all(hold(port) is None for port in held)
    with ExitStack() as others:
        given = [others.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(200)]
        assert held.isdisjoint(one.getsockname()[1] for one in given)
    with socket.create_server(("127.0.0.1", held.pop())) as server:
        socket.create_connection(server.getsockname()).close()
