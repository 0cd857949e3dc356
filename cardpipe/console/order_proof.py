"""Pictures of an order: its proof page by page, with guides where they are asked for, and its photos as they were sent.

Each is drawn when it is asked for, two at a time in all, and the last few are kept in memory: outside and inside are
one drawing.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from functools import wraps

import anyio
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cardpipe.console.guard import page
from cardpipe.console.order import sheets_of
from cardpipe.console.order_words import accepted_of
from cardpipe.console.visit import Visit
from cardpipe.model.errors import Conflict, Refused
from cardpipe.model.finding import error
from cardpipe.model.piece import Piece
from cardpipe.model.user import Role
from cardpipe.pipeline import photoview, proofs
from cardpipe.prepress.format import Format
from cardpipe.prepress.proof import MAX_PPI, Look, jpeg
from cardpipe.wiring import Shop

#: Pictures drawn at once, how long one waits for its turn, how many are kept in memory, and how long.
AT_ONCE, WAIT_SECONDS, KEPT, KEPT_SECONDS = 2, 20.0, 24, 300.0
PPI, LEAST_PPI = 110.0, 30.0
#: The longer side of a photo as it was sent, in pixels.
_SENT = 480
_TEST_WORD = "TEST — NOT PRINTED"
Endpoint = Callable[[Request], Awaitable[Response]]


class Kept:
    """The last few pictures by the tag under which browsers know them, for a few minutes."""

    def __init__(self, most: int, seconds: float = KEPT_SECONDS) -> None:
        self._most, self._seconds, self._lock = most, seconds, threading.Lock()
        self._made: OrderedDict[str, tuple[float, bytes]] = OrderedDict()

    def get(self, tag: str) -> bytes | None:
        """None where it is not kept any more."""
        with self._lock:
            self._tidy()
            found = self._made.get(tag)
            return found[1] if found else None

    def put(self, tag: str, picture: bytes) -> None:
        """Keep it, and forget the oldest instead."""
        with self._lock:
            self._made.pop(tag, None)
            self._made[tag] = (time.monotonic(), picture)
            self._tidy()

    def _tidy(self) -> None:
        while self._made and (len(self._made) > self._most or self._over()):
            self._made.popitem(last=False)

    def _over(self) -> bool:
        return next(iter(self._made.values()))[0] + self._seconds < time.monotonic()


def routes(house: Shop) -> list[Route]:
    """``/orders/{key}/proof/{sheet}``, ``/orders/{key}/photo/{name}``, ``/orders/{key}/signature``."""
    easels, kept = _Easels(), Kept(KEPT)

    @easels.one_at
    @page(house, Role.VIEWER)
    def proof(visit: Visit) -> Response:
        """A page as it will be printed, a word across it; ``?guides=1`` with its bleed and the lines."""
        sheet, guides, ppi = visit.part("sheet"), visit.asked("guides") == "1", _ppi(visit.asked("ppi"))
        piece = _proved(visit)
        if sheet not in sheets_of(piece.spec):
            raise _none("names no page of this card")
        digest = piece.composed.proof if piece.composed else ""
        tag = f"{digest}/{sheet}/{ppi:g}{'/guides' if guides else ''}{'/test' if piece.scope.mode == 'test' else ''}"
        return _picture(visit, kept, tag, lambda: _draw(house, kept, piece, tag, sheet, guides, ppi))

    @easels.one_at
    @page(house, Role.VIEWER)
    def photo(visit: Visit) -> Response:
        spec = accepted_of(house, visit.scope, visit.part("key")).pieces[0].spec
        return _sent(visit, kept, spec.get("photos", {}).get(visit.part("name")))

    @easels.one_at
    @page(house, Role.VIEWER)
    def signature(visit: Visit) -> Response:
        spec = accepted_of(house, visit.scope, visit.part("key")).pieces[0].spec
        return _sent(visit, kept, spec.get("signature"))

    return [
        Route("/orders/{key}/proof/{sheet}", proof), Route("/orders/{key}/photo/{name}", photo),
        Route("/orders/{key}/signature", signature),
    ]  # fmt: skip


class _Easels:
    """Whoever wants a picture drawn waits here, and holds no thread meanwhile."""

    def __init__(self) -> None:
        self._places: anyio.CapacityLimiter | None = None

    def one_at(self, endpoint: Endpoint) -> Endpoint:
        @wraps(endpoint)
        async def waiting(request: Request) -> Response:
            if self._places is None:
                self._places = anyio.CapacityLimiter(AT_ONCE)
            try:
                with anyio.fail_after(WAIT_SECONDS):
                    await self._places.acquire_on_behalf_of(request)
            except TimeoutError:
                return Response(status_code=503, headers={"retry-after": "5"})
            try:
                return await endpoint(request)
            finally:
                self._places.release_on_behalf_of(request)

        return waiting


def _ppi(asked: str) -> float:
    """Raises Refused for a number that is none, or more than a proof may have: nobody prints from one."""
    try:
        found = float(asked or PPI)
    except ValueError:
        found = 0.0
    if LEAST_PPI <= found <= MAX_PPI:
        return found
    what = f"is not between {LEAST_PPI:g} and {MAX_PPI:g}"
    raise Refused("A proof is not drawn like that.", [error("request.parameter", "ppi", what, "leave it out")])


def _none(what: str) -> Refused:
    return Refused("There is no such picture.", [error("picture.unknown", "address", what, "go to the order's page")])


def _proved(visit: Visit) -> Piece:
    """Its piece, composed. Raises Conflict before it is, and once its personal data were erased."""
    stored = accepted_of(visit.house, visit.scope, visit.part("key"))
    if stored.erased_at is not None or not stored.pieces or stored.pieces[0].composed is None:
        what = "its personal data were erased" if stored.erased_at else "it is not composed yet"
        raise Conflict("There is no proof.", [error("proof.not_ready", "proof", what, "see the order's page")])
    return stored.pieces[0]


def _draw(house: Shop, kept: Kept, piece: Piece, tag: str, sheet: str, guides: bool, ppi: float) -> bytes:
    """The page that is asked for; what is drawn with it is kept for whoever asks next."""
    layout = Format.from_dict(piece.spec["format"]) if guides else None
    look = Look(ppi=ppi, word=_TEST_WORD if piece.scope.mode == "test" else "PROOF", guides=layout)
    made = b""
    for drawn in proofs.draw(house, piece, look, "envelope" if sheet == "envelope" else "card").pages:
        picture = jpeg(drawn.pixels)
        kept.put(_key(piece, tag.replace(f"/{sheet}/", f"/{drawn.name}/", 1)), picture)
        made = picture if drawn.name == sheet else made
    if not made:
        raise _none("names no page of this card")
    return made


def _sent(visit: Visit, kept: Kept, digest: str | None) -> Response:
    """A picture as it was sent, whole and small. The darkroom opens it: nothing from outside goes to a browser as it
    came."""
    if not digest:
        raise _none("names no picture of this order")

    shot = photoview.Shot("picture", f"sha256:{digest}")
    return _picture(visit, kept, f"sent/{digest}", lambda: photoview.thumb(visit.house, visit.scope, shot, side=_SENT))


def _picture(visit: Visit, kept: Kept, tag: str, make: Callable[[], bytes]) -> Response:
    """By its tag: not sent again to whoever has it, not drawn again while it is kept."""
    heads = {"etag": f'"{tag}"', "cache-control": "private, no-cache"}
    if heads["etag"] in visit.request.headers.get("if-none-match", ""):
        return Response(None, 304, heads)
    key = "/".join((*visit.scope, tag))
    picture = kept.get(key)
    if picture is None:
        picture = make()
        kept.put(key, picture)
    return Response(picture, 200, heads, "image/jpeg")


def _key(piece: Piece, tag: str) -> str:
    return "/".join((*piece.scope, tag))
