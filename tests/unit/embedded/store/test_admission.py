"""Bodies and statements are let in within the limits, and nothing of a refused one stays."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded.store.admission import Admission, ClientGone, Limits
from embedded.store.failures import QueryFailed


class Client:
    """An ASGI client that sends pieces, and hangs up after them if it isn't `whole`."""

    def __init__(self, pieces: list[bytes], whole: bool = True) -> None:
        self.messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
        self.messages.append({"type": "http.request", "body": b""} if whole else {"type": "http.disconnect"})

    async def receive(self):
        return self.messages.pop(0)


@given(st.lists(st.binary(max_size=20), max_size=8), st.booleans(), st.integers(0, 60), st.integers(0, 100))
def test_a_body_is_whole_or_refused_and_nothing_of_it_is_held_afterwards(pieces, whole, body_limit, held_limit):
    admission = Admission(Limits(body_bytes=body_limit, held_bytes=held_limit))
    client = Client(pieces, whole)

    async def read() -> bytes:
        async with admission.body(client.receive) as body:
            assert admission._held_bytes == len(b"".join(pieces))
            return b"".join(body)

    size = len(b"".join(pieces))
    if not whole:
        with pytest.raises(ClientGone):
            asyncio.run(read())
    elif size > body_limit or size > held_limit:
        with pytest.raises(QueryFailed):
            asyncio.run(read())
    else:
        assert asyncio.run(read()) == b"".join(pieces)
    assert client.messages == []
    assert admission._held_bytes == 0


def test_a_failure_inside_gives_back_what_is_held():
    admission = Admission(Limits())

    async def fail() -> None:
        async with admission.body(Client([b"abc"]).receive):
            raise QueryFailed(62, "SYNTAX_ERROR", "no")

    with pytest.raises(QueryFailed):
        asyncio.run(fail())
    assert admission._held_bytes == 0


@given(st.integers(1, 4), st.integers(0, 4), st.integers(1, 12))
def test_so_many_run_so_many_wait_and_the_rest_is_refused(parallel, waiting, asked):
    async def count() -> tuple[int, int]:
        admission = Admission(Limits(parallel=parallel, waiting=waiting))
        go, inside, most = asyncio.Event(), 0, 0

        async def one() -> bool:
            nonlocal inside, most
            try:
                async with admission.slot():
                    inside += 1
                    most = max(most, inside)
                    await go.wait()
                    inside -= 1
            except QueryFailed:
                return False
            return True

        tasks = []
        for _ in range(asked):
            tasks.append(asyncio.create_task(one()))
            await asyncio.sleep(0)
        go.set()
        return sum(await asyncio.gather(*tasks)), most

    served, most = asyncio.run(count())
    assert most == min(parallel, asked) if waiting else most <= parallel
    assert served == min(asked, parallel + waiting) if waiting else served <= parallel
