"""Reading bodies: never more than the limit, never for ever, and JSON of which nothing is guessed."""

from __future__ import annotations

import json
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import anyio
from anyio.to_thread import run_sync
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from cardpipe.api.problem import Turned
from cardpipe.model.errors import Refused, Unavailable
from cardpipe.model.finding import error

#: The largest order has 4000 characters of message, 20 lines of metadata and two addresses.
MAX_JSON = 256_000
READ_SECONDS = 60.0
#: Of one field of a form that is no file.
MAX_FIELD = 64_000
#: So many bytes beyond the limit are read on (and thrown away), so that their sender hears the answer.
_COURTESY = 64_000_000


async def read(request: Request, limit: int, what: str) -> bytes:
    """The whole body. Raises Turned (413, 408) where it is too large or too slow in coming."""
    with _patient(READ_SECONDS):
        return b"".join([part async for part in _parts(request, limit, what)])


@dataclass(frozen=True, slots=True)
class Form:
    """A form with one file in it: its other fields, what the sender calls the file (often personal: neither log nor
    keep it unasked), and its bytes, in memory or, beyond 1 MB, in a file without a name."""

    fields: dict[str, str]
    name: str
    file: BinaryIO
    size: int


@asynccontextmanager
async def form(
    request: Request, limit: int, what: str, fields: Collection[str] = (), seconds: float = READ_SECONDS
) -> AsyncIterator[Form]:
    """A multipart/form-data body of at most ``limit`` bytes: one file in the field ``file``, and none but these
    ``fields``, each once and short of 64 kB. Never held in memory as a whole. Raises Turned (400, 408, 413), Refused
    (``form.field``, ``form.file``), Unavailable where the disk has no room."""
    parser = MultiPartParser(
        request.headers, _parts(request, limit, what), max_files=1, max_fields=len(fields), max_part_size=MAX_FIELD
    )
    try:
        with _patient(seconds):
            found = await parser.parse()
    except MultiPartException as problem:
        raise Turned(400, "form.unreadable", "body", _plain(problem.message), "send multipart/form-data") from None
    except OSError as problem:
        raise Unavailable("There is no room to take the file in; send it again later.") from problem
    try:
        yield _judged(found.multi_items(), fields)
    finally:
        await found.close()


@asynccontextmanager
async def spooled(request: Request, limit: int, what: str, seconds: float = READ_SECONDS) -> AsyncIterator[BinaryIO]:
    """The bare body of at most ``limit`` bytes as a file without a name; in memory up to 1 MB. Raises Turned (400, 408,
    413), Unavailable where the disk has no room."""
    with tempfile.SpooledTemporaryFile(max_size=1_000_000) as file:
        try:
            with _patient(seconds):
                async for part in _parts(request, limit, what):
                    await run_sync(file.write, part)
        except OSError as problem:
            raise Unavailable("There is no room to take the file in; send it again later.") from problem
        file.seek(0)
        yield cast(BinaryIO, file)


def _judged(items: list[tuple[str, UploadFile | str]], fields: Collection[str]) -> Form:
    names = [name for name, _ in items]
    known = {"file", *fields}
    findings = [
        error("form.field", "body", "has a field that is none of this form", f"known are: {', '.join(sorted(known))}")
        for name in names
        if name not in known
    ]
    findings += [
        error("form.field", name, "comes more than once", "send it once")
        for name in sorted(known)
        if names.count(name) > 1
    ]
    files = [value for name, value in items if name == "file" and isinstance(value, UploadFile)]
    if not files or any(isinstance(value, UploadFile) != (name == "file") for name, value in items):
        findings.append(error("form.file", "file", "is not the one file of this form", "send the file as field file"))
    if findings:
        raise Refused("the form cannot be used", findings)
    texts = {name: value for name, value in items if isinstance(value, str)}
    return Form(texts, files[0].filename or "", files[0].file, files[0].size or 0)


def _plain(message: str) -> str:
    """What the parser says, in our words: it may quote."""
    return "has more parts, or larger ones, than this form takes" if "aximum" in message else "is no such form"


async def _parts(request: Request, limit: int, what: str) -> AsyncGenerator[bytes, None]:
    """The body as it comes, up to ``limit`` bytes. Raises Turned (413, 400)."""
    declared = request.headers.get("content-length", "")
    over = declared.isdigit() and int(declared) > limit
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            over = over or size > limit
            if not over:
                yield part
            elif size > limit + _COURTESY:
                break
    except ClientDisconnect:
        raise Turned(400, "request.cut", "body", "broke off", "send it again") from None
    if over:
        raise Turned(413, "request.large", "body", f"is larger than the {limit / 1e6:g} MB of {what}", "send less")


@contextmanager
def _patient(seconds: float) -> Iterator[None]:
    """Raises Turned (408) where what happens inside takes longer."""
    try:
        with anyio.fail_after(seconds):
            yield
    except TimeoutError:
        raise Turned(408, "request.slow", "body", f"did not arrive within {seconds:g} s", "send it again") from None


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
