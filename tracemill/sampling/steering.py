"""What steers the decisions of a partition at a point of its log? A rule set, and overrides that end by themselves."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple, Self


class Of(StrEnum):
    """What an override keeps all traces of: a column of spans, or the whole tenant."""

    USER = "user_id"
    SESSION = "session_id"
    SERVICE = "service_name"
    TENANT = "tenant"


class Override(NamedTuple):
    """Every trace of a tenant with a span of which `of` is `value` is kept, until `until_ms` since the epoch."""

    id: str
    tenant: str
    of: Of
    value: str
    until_ms: int

    @property
    def policy(self) -> str:
        """The policy of a trace that it keeps."""
        return f"override:{self.id}"


MAX_OVERRIDES: Final = 100
"""In force at once, of all tenants together: each is compared with every trace, and stands in every block."""


class Steering(NamedTuple):
    """The hash of the rule set that holds, and the overrides that hold beside it, by id."""

    rules: str = ""
    overrides: tuple[Override, ...] = ()

    def with_override(self, override: Override) -> Self:
        """This override holds too, if there is room for it; it takes the place of one with the same id."""
        others = self.without(override.id).overrides
        if len(others) >= MAX_OVERRIDES:
            return self
        return self._replace(overrides=tuple(sorted((*others, override))))

    def without(self, override_id: str) -> Self:
        """An override doesn't hold any longer."""
        return self._replace(overrides=tuple(one for one in self.overrides if one.id != override_id))

    def at(self, append_ms: int) -> Self:
        """Those that hold for a record that was appended then."""
        if all(append_ms < one.until_ms for one in self.overrides):
            return self
        return self._replace(overrides=tuple(one for one in self.overrides if append_ms < one.until_ms))
