"""What may stand in the body of a request? Models, which are also its documentation, and how a body is read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from api.problems import Problem, Trouble
from tracemill.control.overrides import MAX_VALUE
from tracemill.sampling.steering import Of

BODY_BYTES: Final = 64 * 1024
MAX_HOURS: Final = 7 * 24
_JSON: Final = "application/json"

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
