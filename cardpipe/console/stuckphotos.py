"""Photos of what is stuck, and of any order: small, or with their trouble drawn on. Only the darkroom opens them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from anyio import CapacityLimiter
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cardpipe.console.guard import page
from cardpipe.console.visit import Visit
from cardpipe.model.errors import Refused
from cardpipe.model.finding import error
from cardpipe.model.user import Role
from cardpipe.pipeline import photoview
from cardpipe.wiring import Shop

_KEPT = 96
#: Photos that are opened at once: a page of fifty must not keep every thread from those who only want to read.
AT_ONCE = 2


class Recent:
    """The last pictures that were drawn, so that a page that renews itself does not open them all again."""

    def __init__(self, most: int = _KEPT) -> None:
        self._most, self._lock = most, Lock()
        self._made: OrderedDict[tuple[str, ...], bytes] = OrderedDict()

    def get(self, key: tuple[str, ...], make: Callable[[], bytes]) -> bytes:
        """What was made under this key, or is made now."""
        with self._lock:
            if key in self._made:
                self._made.move_to_end(key)
                return self._made[key]
        made = make()
        with self._lock:
            self._made[key] = made
            if len(self._made) > self._most:
                self._made.popitem(last=False)
        return made


def routes(house: Shop) -> list[Route]:
    """``/stuck/photos/ID/NUMBER``: of a piece or of a row, ``?look=thumb`` or ``trouble``."""
    recent, easels = Recent(), CapacityLimiter(AT_ONCE)

    @page(house, Role.VIEWER)
    def photo(visit: Visit) -> Response:
        subject, look = visit.part("subject"), visit.asked("look", "thumb")
        place, import_id = int(visit.part("place")), None
        if subject.startswith("pce_"):
            shots = photoview.of_piece(house, house.store.piece(visit.scope, subject))
        else:
            row = house.store.row(visit.scope, subject)
            shots = photoview.of_row(house, row) if row is not None else []
            import_id = row.import_id if row is not None else None
        if place >= len(shots):
            raise Refused("No such photo.", [error("photo.unknown", "photo", "is not there", "look at the order anew")])
        shot = shots[place]
        make = photoview.drawn if look == "trouble" else photoview.thumb
        key = (*visit.scope, import_id or "", shot.ref, repr(shot.placed) if look == "trouble" else "", look)
        return Response(recent.get(key, lambda: make(house, visit.scope, shot, import_id)), media_type="image/jpeg")

    async def queued(request: Request) -> Response:
        async with easels:
            return await photo(request)

    return [Route("/stuck/photos/{subject}/{place:int}", queued)]
