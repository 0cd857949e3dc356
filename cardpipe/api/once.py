"""Once: a request that names itself by an Idempotency-Key has one effect, and whoever asks again hears of that one.

The answer is stored in the transaction of the effect. What had none (refused, failed) is forgotten, so that the same
key may be used once it is mended; and no answer of a failure of ours is ever kept.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from cardpipe.api.access import Caller
from cardpipe.model.errors import Conflict, Refused
from cardpipe.model.finding import error
from cardpipe.model.order import canonical
from cardpipe.model.stored import Receipt
from cardpipe.wiring import Shop

MOST_CHARACTERS = 255
_FIGURES = 16  # of each field's keyed digest

#: For OpenAPI: FastAPI does not see what is read off the request.
HEADER = {
    "parameters": [
        {
            "name": "Idempotency-Key", "in": "header", "required": False,
            "description": "Names this request: sent again, it answers what the first one did, and nothing is done "
            "twice. Kept as long as what it made.",
            "schema": {"type": "string", "minLength": 1, "maxLength": MOST_CHARACTERS, "pattern": "^[ -~]+$"},
        }
    ]
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """What a request is answered: status and JSON text, and where what it made is found. ``fresh``: it had an effect
    just now, and the same answer is stored under its key."""

    status: int
    body: str
    location: str = ""
    fresh: bool = True

    def response(self) -> Response:
        """As HTTP; a replayed one says so."""
        headers = {"location": self.location} if self.location else {}
        if not self.fresh:
            headers["idempotent-replayed"] = "true"
        return Response(self.body, self.status, headers, "application/json")


def key_of(request: Request) -> str | None:
    """The request's Idempotency-Key. Raises Refused (``idempotency_key.form``) for one that cannot be kept."""
    given = request.headers.getlist("idempotency-key")
    if not given:
        return None
    if len(given) == 1 and 1 <= len(given[0]) <= MOST_CHARACTERS and given[0].isascii() and given[0].isprintable():
        return given[0]
    what = f"is not one of 1 to {MOST_CHARACTERS} printable ASCII characters"
    remedy = "send one, such as a UUID that you keep with the order until it is answered"
    raise Refused(
        "the Idempotency-Key cannot be used", [error("idempotency_key.form", "Idempotency-Key", what, remedy)]
    )


def once(
    house: Shop,
    caller: Caller,
    door: str,
    key: str | None,
    body: Mapping[str, Any],
    effect: Callable[[Receipt | None], Told],
    replay: Callable[[int, str], Told],
) -> Told:
    """Do it, or answer what was answered when it was done. ``effect`` hands its receipt on to what it stores;
    ``replay`` makes an answer of a stored status and text. Raises Conflict ``idempotency_key_reused``,
    ``in_progress``."""
    if key is None:
        return effect(None)
    begun = house.store.begin_request(caller.scope, door, key, digests(house.secret, caller, body))
    if isinstance(begun, tuple):
        return replay(*begun)
    done = False
    try:
        told = effect(begun)
        done = told.fresh
    finally:
        if not done:  # where it was finished all the same, the store leaves it as it is
            house.store.forget_request(caller.scope, begun)
    return told


def reused(where: str) -> Conflict:
    """A request under the key of another one, whose fields were erased: what differs can be named no more."""
    remedy = "send another request under a key of its own"
    what = "differs from the first request under this key, or something beside it does; that one was erased"
    return Conflict(
        "This Idempotency-Key was used for another request.", [error("idempotency_key_reused", where, what, remedy)]
    )


def answering(receipt: Receipt | None, answer: Callable[[Any], tuple[int, str]]) -> Receipt | None:
    """The receipt with what is to be answered."""
    return replace(receipt, answer=answer) if receipt is not None else None


def digests(secret: bytes, caller: Caller, body: Mapping[str, Any]) -> dict[str, str]:
    """A keyed digest of each leaf of a body by its path: nobody without the secret can try names on it, nor see that
    two fields, or two tenants' fields, are alike."""
    begin = "\0".join(("field", caller.scope.tenant, caller.scope.mode, ""))
    return {
        path: hmac.new(secret, begin.encode() + path.encode() + b"\0" + canonical(leaf), "sha256").hexdigest()[
            :_FIGURES
        ]
        for path, leaf in _leaves(body, "")
    }


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every leaf by its path; dots within a name are doubled, so that no two leaves share one."""
    if isinstance(value, Mapping) and value:
        for name, part in value.items():
            plain = str(name).replace(".", "..")
            yield from _leaves(part, f"{path}.{plain}" if path else plain)
    elif isinstance(value, list) and value:
        for number, part in enumerate(value):
            yield from _leaves(part, f"{path}[{number}]")
    else:
        yield path, value
