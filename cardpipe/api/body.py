"""Reading bodies: never more than the limit, never for ever, and JSON of which nothing is guessed."""

from __future__ import annotations

import json
from typing import Any

import anyio
from starlette.requests import ClientDisconnect, Request

from cardpipe.api.problem import Turned
from cardpipe.model.errors import Refused
from cardpipe.model.finding import error

#: The largest order has 4000 characters of message, 20 lines of metadata and two addresses.
MAX_JSON = 256_000
READ_SECONDS = 60.0
#: A body beyond the limit is read on (and thrown away) so far, so that its sender hears the answer.
_COURTESY = 4


async def read(request: Request, limit: int, what: str) -> bytes:
    """The whole body. Raises Turned (413, 408) where it is too large or too slow in coming."""
    declared = request.headers.get("content-length", "")
    over = declared.isdigit() and int(declared) > limit
    parts: list[bytes] = []
    size = 0
    try:
        with anyio.fail_after(READ_SECONDS):
            async for part in request.stream():
                size += len(part)
                over = over or size > limit
                if not over:
                    parts.append(part)
                elif size > limit * _COURTESY:
                    break
                else:
                    parts.clear()
    except TimeoutError:
        slow = f"did not arrive within {READ_SECONDS:g} s"
        raise Turned(408, "request.slow", "body", slow, "send it again") from None
    except ClientDisconnect:
        raise Turned(400, "request.cut", "body", "broke off", "send it again") from None
    if over:
        raise Turned(413, "request.large", "body", f"is larger than the {limit / 1e6:g} MB of {what}", "send less")
    return b"".join(parts)


def media_type(request: Request) -> str:
    """The body's media type without parameters, lower case; empty where none is said."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_object(request: Request) -> dict[str, Any]:
    """A JSON object. Raises Turned (413, 415) and Refused (``json.unreadable``)."""
    if media_type(request) != "application/json":
        said = "is not said to be JSON"
        raise Turned(415, "request.media_type", "Content-Type", said, "send Content-Type: application/json")
    return strict_object(await read(request, MAX_JSON, "an order"))


def strict_object(data: bytes) -> dict[str, Any]:
    """A JSON object: keys once, no NaN, no half characters. Raises Refused (``json.unreadable``)."""
    try:
        text = data.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
        json.dumps(value, ensure_ascii=False).encode()  # half of a surrogate pair is no character
    except UnicodeError:
        raise _unreadable("is not UTF-8, or escapes half a character") from None
    except RecursionError:
        raise _unreadable("is nested too deeply") from None
    except json.JSONDecodeError as problem:
        raise _unreadable(f"is no JSON: {problem.msg} (line {problem.lineno}, column {problem.colno})") from None
    except ValueError as problem:
        raise _unreadable(f"is no JSON that can be used: {problem}") from None
    if not isinstance(value, dict):
        raise _unreadable("is no JSON object")
    return value


def plain(key: str) -> str:
    """A key out of an address, for the store. References, ids and names are printable ASCII; nothing else is looked up
    (PostgreSQL takes no NUL). Raises Turned (404)."""
    if key.isascii() and key.isprintable():
        return key
    raise Turned(404, "key.unknown", "key", "is no reference, id or name", "take it from an answer of this API")


def _unreadable(what: str) -> Refused:
    found = error("json.unreadable", "body", what, "send one JSON object in UTF-8, each key once")
    return Refused(f"the body {what}", [found])


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice[:60]!r} comes twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")
