"""What does a session remember from one request to the next? Its SET and USE statements, said again before each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from embedded.store import request
from embedded.store.failures import QueryFailed
from embedded.store.statement import keeps_state, makes_temporary

SESSIONS: Final = 1_000
STATEMENTS: Final = 200


@dataclass(slots=True)
class Open:
    """A session that lives until `expires_s` of the clock; `busy` while a request uses it."""

    expires_s: float
    busy: bool = False
    said: list[str] = field(default_factory=list)

    def check(self, statement: bytes) -> None:
        """Refuse what a session can't remember.

        Raises:
            QueryFailed: it makes a temporary table, which would be gone with the statement.
        """
        if makes_temporary(statement):
            raise QueryFailed(48, "NOT_IMPLEMENTED", "Temporary tables aren't offered: use ENGINE = Memory")

    def remember(self, statement: bytes) -> None:
        """Say this statement before each later one, if it is a SET or a USE."""
        if not keeps_state(statement):
            return
        if len(self.said) >= STATEMENTS:
            raise QueryFailed(36, "BAD_ARGUMENTS", f"The session has {STATEMENTS} SET and USE statements: open another")
        self.said.append(statement.decode(errors="surrogateescape"))


class Sessions:
    """Open sessions by id. One thread uses it; time comes in as an argument."""

    def __init__(self) -> None:
        self._open: dict[str, Open] = {}

    @contextmanager
    def use(self, asked: request.Session, now_s: float) -> Iterator[Open]:
        """The session for the time of one request.

        Raises:
            QueryFailed: it must exist and doesn't, another request is using it, or there are too many.
        """
        self._expire(now_s)
        session = self._open.get(asked.id) or self._start(asked)
        if session.busy:
            raise QueryFailed(373, "SESSION_IS_LOCKED", f"Session {asked.id} is locked by a concurrent client")
        session.busy, session.expires_s = True, now_s + asked.timeout_s
        try:
            yield session
        finally:
            session.busy = False

    def _start(self, asked: request.Session) -> Open:
        if asked.must_exist:
            raise QueryFailed(372, "SESSION_NOT_FOUND", f"Session {asked.id} not found")
        if len(self._open) >= SESSIONS:
            raise QueryFailed(202, "TOO_MANY_SIMULTANEOUS_QUERIES", f"{SESSIONS} sessions are open: try later")
        return self._open.setdefault(asked.id, Open(0.0))

    def _expire(self, now_s: float) -> None:
        for name in [name for name, session in self._open.items() if session.expires_s < now_s and not session.busy]:
            del self._open[name]
