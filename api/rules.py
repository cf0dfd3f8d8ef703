"""What do the rules do? Those that hold, and what each policy has decided in a window of time."""

from __future__ import annotations

from typing import Any, Final

import orjson

from api import queries, times
from api.asked import Asked, Parts
from api.times import rfc3339

MAX_POLICIES: Final = 1_000


async def rules(parts: Parts, asked: Asked) -> dict[str, Any]:
    """The rules that were applied last, and for each policy what came and what was kept of it.

    Rules are the operator's and may name anyone, so a tenant among others sees what became of its own traces, by the
    names that its traces carry, and no rule.
    """
    window = times.window(asked.given.get("from"), asked.given.get("to"), asked.now_ns)
    applied = await parts.log.rules()
    found = await parts.store.rows(queries.policies(window, asked.tenant, MAX_POLICIES))
    return {
        "hash": applied.digest if applied else "",
        "rules": orjson.loads(applied.canonical) if applied and asked.sole else None,
        "policies": [row | {"share": row["kept"] / row["traces"]} for row in found],
        "from": rfc3339(window.from_ns),
        "to": rfc3339(window.to_ns),
    }
