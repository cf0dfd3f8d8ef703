"""Which of the Collector's policies aren't taken, why, and what can be written instead?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_NO_CLOCK: Final = (
    "depends on what the Collector let through in the same second, so the same traces would be decided differently "
    "when they are read again, and nobody knows how many traces a kept one stands for"
)
_SHARE: Final = "give the rule that the other policies become a limit, which lowers its probability:"

REFUSED: Final[Mapping[str, str]] = {
    "rate_limiting": f"{_NO_CLOCK}; instead {_SHARE} `limit: {{spans_per_minute: …}}`, 60 times `spans_per_second`",
    "bytes_limiting": f"{_NO_CLOCK}; instead {_SHARE} `limit: {{megabytes_per_minute: …}}`, 60 times "
    "`bytes_per_second` through a million",
    "composite": f"{_NO_CLOCK}; instead write each sub-policy as a policy of its own, and {_SHARE} "
    "`limit: {spans_per_minute: …}`, 60 times what was allocated to it",
    "trace_state": "isn't taken, because tracestate may hold the randomness that shares are drawn with; instead have "
    "the SDK set the value as a span attribute and write a `string_attribute` policy",
    "trace_flags": "isn't taken, because a span's flags aren't among our columns; instead have the SDK set an "
    "attribute on what has to be kept and write a `boolean_attribute` policy",
    "ottl_condition": "isn't taken, because conditions are SQL here; instead import the other policies and add a rule "
    "such as `keep: any_span(attribute('http.route') = '/pay' AND status_code = 'ERROR')`",
}
"""What an error says after the policy's name and type."""
