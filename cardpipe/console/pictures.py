"""Pictures of pieces: drawn from the very fragments that go to press, with the word PROOF across them, too coarse to
print from (nobody's signature leaves the shop at print quality). Kept in memory for a while, by digest."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from weakref import WeakKeyDictionary

from anyio import CapacityLimiter
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cardpipe.console.guard import Endpoint, page
from cardpipe.console.visit import Visit
from cardpipe.model.errors import Refused, Unavailable
from cardpipe.model.finding import error
from cardpipe.model.piece import Piece
from cardpipe.model.user import Role
from cardpipe.pipeline import pinned, proofs
from cardpipe.prepress import proof
from cardpipe.wiring import Shop

MOST_BYTES = 64_000_000
AT_ONCE, WAIT_SECONDS = 2, 20.0
#: What a picture shows, and of which part it is a page.
_PAGES = {"card": "card", "outside": "card", "inside": "card", "envelope": "envelope"}
_PPI = {"thumb": 40.0, "page": 110.0}
Key = tuple[str, ...]


class Album:
    """Pictures by key, the longest unseen thrown away first; none is drawn twice by two who ask at once."""

    _albums: WeakKeyDictionary[Shop, Album] = WeakKeyDictionary()

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most, self._bytes = most, 0
        self._kept: OrderedDict[Key, bytes] = OrderedDict()
        self._lock = threading.Lock()
        self._drawing: dict[Key, threading.Lock] = {}
        self._places = CapacityLimiter(AT_ONCE)
        self.drawn = 0

    @classmethod
    def of(cls, house: Shop) -> Album:
        """The one album of a shop in this process."""
        return cls._albums.setdefault(house, cls())

    @property
    def size(self) -> int:
        """How many bytes are kept."""
        return self._bytes

    def in_turn(self, endpoint: Endpoint) -> Endpoint:
        """Two pictures at once; who waits for his turn keeps no thread from the pages."""

        async def waits(request: Request) -> Response:
            async with self._places:
                return await endpoint(request)

        return waits

    def get(self, key: Key, one: Key, draw: Callable[[], Mapping[Key, bytes]]) -> bytes:
        """A picture, drawn now unless it is kept. ``one`` names what is drawn together: who asks for another picture of
        it meanwhile waits for that."""
        if (found := self._find(key)) is not None:
            return found
        with self._lock:
            mine = self._drawing.setdefault(one, threading.Lock())
        if not mine.acquire(timeout=WAIT_SECONDS):
            raise Unavailable("Too many pictures are being drawn; ask again in a moment.")
        try:
            if (found := self._find(key)) is not None:
                return found
            made = draw()
            self._keep(made)
            return made[key]
        finally:
            mine.release()
            with self._lock:
                self._drawing.pop(one, None)

    def _find(self, key: Key) -> bytes | None:
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def _keep(self, made: Mapping[Key, bytes]) -> None:
        with self._lock:
            self.drawn += 1
            for key, data in made.items():
                self._bytes += len(data) - len(self._kept.get(key, b""))
                self._kept[key] = data
            while self._bytes > self._most and len(self._kept) > 1:
                self._bytes -= len(self._kept.popitem(last=False)[1])


def routes(house: Shop) -> list[Route]:
    """``/pictures/PIECE/WHAT?size=thumb|page&guides=1``; WHAT is card, outside, inside or envelope."""
    album = Album.of(house)

    @page(house, Role.VIEWER)
    def picture(visit: Visit) -> Response:
        piece = house.store.piece(visit.scope, visit.part("piece"))
        what, size, guides = visit.part("what"), visit.asked("size", "thumb"), visit.asked("guides") == "1"
        if what not in _PAGES or size not in _PPI:
            raise Refused("No such picture.", [error("picture.unknown", "what", "is none of a card's or an envelope's",
                                                     "ask for card, outside, inside or envelope")])  # fmt: skip
        if "recipient" not in piece.spec:  # before anything that is kept is looked for
            raise Refused(
                "Its personal data were erased.",
                [error("piece.erased", piece.reference, "has no picture any more", "nothing is to be done")],
            )
        if piece.composed is None:
            raise Refused("There is nothing to be seen yet.",
                          [error("piece.not_composed", piece.reference, f"is {piece.state}",
                                 "wait until it is composed")])  # fmt: skip
        part = _PAGES[what]
        digest = piece.composed.card if part == "card" else piece.composed.envelope
        one = (*visit.scope, digest, size, "guides" if guides else "")

        def draw() -> dict[Key, bytes]:
            return _drawn(house, piece, part, size, guides, one)

        return kept(visit, album, (*one, what), draw, "image/jpeg", one)

    return [Route("/pictures/{piece}/{what}", album.in_turn(picture))]


def kept(
    visit: Visit, album: Album, key: Key, draw: Callable[[], Mapping[Key, bytes]], kind: str, one: Key = ()
) -> Response:
    """A picture that a browser keeps, and asks each time whether it still may see it."""
    etag = f'"{hashlib.sha256(repr(key).encode()).hexdigest()[:32]}"'
    headers = {"etag": etag, "cache-control": "private, no-cache"}
    if etag in visit.request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(album.get(key, one or key, draw), media_type=kind, headers=headers)


def _drawn(house: Shop, piece: Piece, part: str, size: str, guides: bool, one: Key) -> dict[Key, bytes]:
    """All pictures of a card, or of an envelope: what costs time is done once for them."""
    layout = pinned.layout(piece.spec) if guides and part == "card" else None
    look = proof.Look(ppi=_PPI[size], slots=size == "page", guides=layout)
    if part == "envelope":
        return {(*one, "envelope"): proof.jpeg(proofs.draw(house, piece, look, "envelope").pages[0].pixels)}
    pages = proofs.draw(house, piece, look, "card").pages
    made = {(*one, page.name): proof.jpeg(page.pixels) for page in pages}
    return {**made, (*one, "card"): proof.jpeg(proof.sheet(pages))}
