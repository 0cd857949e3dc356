"""Small things that are asked: bodies of a few fields, and cursors of lists."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hmac
import re
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ValidationError
from starlette.requests import Request

from cardpipe.api.access import Caller
from cardpipe.api.body import read_object
from cardpipe.model.address import clean_text
from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, error
from cardpipe.wiring import Shop

#: Most and usual length of a page.
MOST, USUAL = 100, 50

_SIGNED = 12  # bytes of a cursor's signature: it keeps guessers out, and nothing hangs on it

Body = TypeVar("Body", bound=BaseModel)


def _written(value: Any) -> Any:
    if isinstance(value, str) and not re.match(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        raise ValueError("is no date; write it as ISO 8601 does, such as 2026-12-01")
    return value


#: A date, and a moment, in a filter: as ISO 8601 writes them. A bare number, which is read as seconds since 1970
#: elsewhere, would find nothing and seem to say that there is nothing.
Date = Annotated[dt.date, BeforeValidator(_written)]
Moment = Annotated[dt.datetime, BeforeValidator(_written)]


def described(shape: type[BaseModel], about: str = "", *, required: bool = True) -> dict[str, Any]:
    """A body that a route reads by itself, for OpenAPI."""
    schema = shape.model_json_schema(ref_template="#/components/schemas/{model}")
    schema.pop("$defs", None)  # of shapes that other routes name to FastAPI
    return {"requestBody": {"required": required, "description": about, "content": {"application/json": {
        "schema": schema}}}}  # fmt: skip


def heads(*names: str) -> dict[str, Any]:
    """Headers that an answer always has, for OpenAPI."""
    return {name: {"required": True, "schema": {"type": "string"}} for name in names}


async def said(request: Request, shape: type[Body]) -> Body:
    """The body as this shape. Raises Turned and Refused with every finding (``request.body``)."""
    return understood(await read_object(request), shape)


def understood(data: dict[str, Any], shape: type[Body], where: str = "") -> Body:
    """What was sent, as this shape. Raises Refused with every finding; values are never repeated."""
    try:
        return shape.model_validate(data)
    except ValidationError as problem:
        raise Refused("the body cannot be read", [_finding(item, shape, where) for item in problem.errors()]) from None


def reason(text: str) -> str:
    """Why somebody does something, in one line that can be kept. Raises Refused (``request.reason``)."""
    try:
        found = str(clean_text(text))
    except ValueError as problem:
        raise _no_reason(str(problem)) from None
    if not found:
        raise _no_reason("is empty")
    return found


def cursor(house: Shop, caller: Caller, door: str, last: str | None) -> str | None:
    """Where the next page of a list begins, for nobody but this tenant; None for none."""
    if last is None:
        return None
    return base64.urlsafe_b64encode(_signature(house, caller, door, last) + last.encode()).decode().rstrip("=")


def begins(house: Shop, caller: Caller, door: str, given: str | None) -> str | None:
    """What a cursor stands for. Raises Refused (``request.cursor``) for one that was never given to this tenant by this
    list."""
    if given is None:
        return None
    try:
        raw = base64.urlsafe_b64decode(given + "=" * (-len(given) % 4))
        last = raw[_SIGNED:].decode()
    except (binascii.Error, UnicodeError, ValueError):
        raw, last = b"", ""
    if not last or not hmac.compare_digest(raw[:_SIGNED], _signature(house, caller, door, last)):
        found = error(
            "request.cursor", "cursor", "was not given by this list", "use the next of the page before, or none"
        )
        raise Refused("the list cannot go on from there", [found])
    return last


def _signature(house: Shop, caller: Caller, door: str, last: str) -> bytes:
    told = "\0".join(("cursor", caller.scope.tenant, caller.scope.mode, door, last))
    return hmac.digest(house.secret, told.encode(), "sha256")[:_SIGNED]


def _finding(item: Any, shape: type[BaseModel], where: str) -> Finding:
    place = ".".join(str(part) for part in (where, *item["loc"]) if part != "") or "body"
    message, remedy = str(item["msg"]).removeprefix("Value error, "), "see /v1/openapi.json"
    if item["type"] == "extra_forbidden":
        message, remedy = "is no field of this", f"it has: {', '.join(shape.model_fields)}"
        place = place[:80]
    elif item["type"] == "missing":
        message, remedy = "is missing", f"add {place}"
    return error("request.body", place, message, remedy)


def _no_reason(what: str) -> Refused:
    remedy = 'send {"reason": "…"}, one line of at most 200 characters'
    return Refused("the reason cannot be kept", [error("request.reason", "reason", what, remedy)])
