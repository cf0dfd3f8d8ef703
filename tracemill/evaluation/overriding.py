"""Which traces does an override keep? Those of its tenant with a span that it names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from tracemill.decode.groups import text_column
from tracemill.evaluation.rows import Traces
from tracemill.frame import Frame
from tracemill.sampling.steering import Of, Override

Mask = npt.NDArray[np.bool_]


def _services(frame: Frame) -> Any:
    return text_column([one.columns["service_name"] for one in frame.origins], frame.origin)


_COLUMN: Final[Mapping[Of, Callable[[Frame], Any]]] = {
    Of.USER: lambda frame: frame.text["user_id"],
    Of.SESSION: lambda frame: frame.text["session_id"],
    Of.SERVICE: _services,
}


def overridden(override: Override, traces: Traces, tenants: pl.Series) -> Mask:
    """Which traces an override keeps; `tenants` has the tenant of each."""
    own: Mask = (tenants == override.tenant).to_numpy()
    if override.of is Of.TENANT or not own.any():
        return own
    frame = traces.frame
    named = np.asarray(pc.equal(_COLUMN[override.of](frame), pa.scalar(override.value)))
    return own & (np.bincount(frame.owner[named], minlength=traces.count) > 0)
