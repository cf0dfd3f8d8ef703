"""What may stand in the body of a request? Models, which are also its documentation, and how a body is read."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any, Final, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from api.problems import Problem, Trouble
from tracemill.control.overrides import MAX_VALUE
from tracemill.sampling.steering import Of
from tracemill.scores import MAX_COMMENT, MAX_TEXT

BODY_BYTES: Final = 64 * 1024
MAX_HOURS: Final = 7 * 24
_JSON: Final = "application/json"
_LARGEST: Final = sys.float_info.max

Why = Annotated[str, Field(max_length=500, description="For those who see it in the list.")]


class Body(BaseModel):
    """What all bodies have in common: nothing unknown stands in them."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PromotionAsked(Body):
    """Why a trace is to be kept."""

    why: str = Field(
        "request",
        pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$",
        description="The policy becomes `promoted:<why>`, e.g. `feedback`.",
    )


def _one_of_three(value: Any) -> Any:
    """One sentence for what isn't any of the three, instead of one for each of them."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and 1 <= len(value) <= MAX_TEXT:
        return value
    if isinstance(value, int | float) and abs(value) <= _LARGEST:
        return float(value)
    raise ValueError(f"a finite number, true or false, or a text of 1 to {MAX_TEXT} characters")


_TraceId = Annotated[str, Field(pattern="^[0-9a-fA-F]{32}$"), AfterValidator(str.lower)]
_SpanId = Annotated[str, Field(pattern="^[0-9a-fA-F]{16}$"), AfterValidator(str.lower)]
_Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]


class FeedbackGiven(Body):
    """What somebody says about a trace."""

    model_config = ConfigDict(strict=True)

    trace_id: _TraceId = Field(description="It needn't have closed, nor be known yet.")
    span_id: _SpanId | None = Field(None, description="Of which span of it; of the whole trace where not given.")
    name: str = Field(
        pattern=r"^[a-zA-Z0-9_.-]{1,64}$", description="What the value is of, e.g. `thumbs` or `helpfulness`."
    )
    value: Annotated[bool | float | _Text, BeforeValidator(_one_of_three)] = Field(
        description="A finite number, true or false, or a short text."
    )
    comment: str = Field("", max_length=MAX_COMMENT, description="In the author's words.")
    id: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_.:-]{1,64}$")] | None = Field(
        None, description="Of this score among those of its trace; the latest with it holds."
    )
    promote: bool = Field(True, description="Whether the trace is to be kept, if it was dropped or is open.")


class OverrideAsked(Body):
    """Of what every trace is to be kept, and how long."""

    of: Of = Field(description="What `value` is: a column of spans, or `tenant` for everything of this tenant.")
    value: str = Field("", max_length=MAX_VALUE, description="A trace with a span of which the column has this value.")
    hours: float = Field(gt=0, le=MAX_HOURS, description=f"It ends by itself, after {MAX_HOURS} hours at the latest.")
    why: Why = ""

    @model_validator(mode="after")
    def _named(self) -> Self:
        if (self.of is Of.TENANT) == bool(self.value):
            raise ValueError("value goes with user_id, session_id and service_name; `tenant` needs none")
        return self


async def read_body(chunks: AsyncIterator[bytes], headers: Mapping[str, str], model: type[Body]) -> Body:
    """The body of a request.

    A body has to say that it is JSON: so no foreign page can have a browser send it.

    Raises:
        Problem: it isn't JSON, is too large, or isn't what the model says; every wrong member is named.
    """
    if headers.get("content-type", "").partition(";")[0].strip().lower() != _JSON:
        raise Problem(Trouble.NOT_JSON, f"send it with `content-type: {_JSON}`")
    text = bytearray()
    async for chunk in chunks:
        text += chunk
        if len(text) > BODY_BYTES:
            raise Problem(Trouble.BODY_TOO_LARGE, f"more than {BODY_BYTES} bytes")
    try:
        return model.model_validate_json(bytes(text) or b"{}")
    except ValidationError as error:
        raise Problem(Trouble.BAD_BODY, "; ".join(map(_explained, error.errors(include_url=False)))) from error


def _explained(problem: Any) -> str:
    where = ".".join(str(step) for step in problem["loc"]) or "body"
    return f"{where}: {problem['msg'].removeprefix('Value error, ')}"
