"""What is a request to an endpoint, and what does the endpoint have to answer it with?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from api.bodies import Body
from api.log import Log
from api.store import Store

B = TypeVar("B", bound=Body)


class Parts(NamedTuple):
    """Where answers come from, and where orders go."""

    store: Store
    log: Log


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: whose, its parameters in the query and in the path, when it came, who sent it, and its body if any.

    `sole` says that nobody else's traces are here: then what is the operator's may be shown.
    """

    tenant: str
    given: Mapping[str, str]
    path: Mapping[str, str]
    now_ns: int
    by: str = ""
    body: Body | None = None
    sole: bool = False

    def body_as(self, model: type[B]) -> B:
        """The body, which is of this model."""
        assert isinstance(self.body, model)
        return self.body
