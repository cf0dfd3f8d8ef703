"""When can one look at the demo? When the API answers at the address of one of its first traces."""

from __future__ import annotations

from pathlib import Path

from embedded.parts import http_ready


class FirstTraces:
    """The ids of the first traces, as the agents write them to a file, and which of them can be seen."""

    def __init__(self, file: Path, api: str) -> None:
        self.file = file
        self._api = api
        self.visible: str | None = None
        """The trace id of one that can be seen."""

    def address(self, trace_id: str) -> str:
        """Where the API answers with a trace."""
        return f"{self._api}/api/v1/traces/{trace_id}"

    def forget(self) -> None:
        """Those of an earlier start don't count."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text("")

    def why_not(self) -> str | None:
        """Why none can be seen yet, or None when one can."""
        why = "no trace of the demo has ended yet"
        for trace_id in self.file.read_text().split():
            reason = http_ready(self.address(trace_id))()
            if reason is None:
                self.visible = trace_id
                return None
            why = reason
        return why
