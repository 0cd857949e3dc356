"""Every piece of a batch in mail order, with pictures: pages of a hundred, found by number, chosen by ticking."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from cardpipe.console import acts
from cardpipe.console.guard import page
from cardpipe.console.visit import Visit
from cardpipe.model.batch import match_code
from cardpipe.model.errors import Refused
from cardpipe.model.finding import error
from cardpipe.model.user import Role
from cardpipe.wiring import Shop

PAGE = 100
#: Acts on pieces that are ticked.
_ON_SOME = ("eject", "spoil", "withdraw", "printed", "mailed", "returned")


def routes(house: Shop) -> list[Route]:
    """``/batches/NAME/pieces?from=101``; ``?go=4012`` finds a number's page."""

    @page(house, Role.VIEWER)
    def listed(visit: Visit) -> Response:
        batch = house.store.batch(visit.scope, visit.part("name"))
        if go := visit.asked("go"):
            mark = _number(go, batch.pieces)
            to = visit.url("batches", batch.name, "pieces", **{"from": _first(mark), "mark": mark})
            return RedirectResponse(f"{to}#piece-{mark}", 303)
        first = _first(_number(visit.asked("from", "1"), batch.pieces))
        found = house.store.page_of_members(visit.scope, batch.id, first - 1, PAGE)
        pieces = [piece for piece in found if (piece.seq or 0) < first + PAGE]  # some were withdrawn
        open_acts = [acts.ACTS[name] for name in _ON_SOME if acts.ACTS[name].may(batch)]
        last = min(first + PAGE - 1, batch.pieces)
        return visit.show(
            "batch_pieces.html", batch=batch, pieces=pieces, first=first, last=last, page=PAGE,
            mark=visit.asked("mark"), pages=range(1, batch.pieces + 1, PAGE),
            code=lambda seq: match_code(batch.number, seq, "O")[:13],
            acts=open_acts if visit.may(Role.OPERATOR) else [],
        )  # fmt: skip

    return [Route("/batches/{name}/pieces", listed)]


def _first(number: int) -> int:
    """Where the page of a number begins."""
    return (number - 1) // PAGE * PAGE + 1


def _number(text: str, pieces: int) -> int:
    """A number of the batch. Raises Refused for another text."""
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:9]) <= max(1, pieces):
        raise Refused("There is no such piece.",
                      [error("batch.no_such_piece", "number", f"is none from 1 to {pieces:,}",
                             "read it beside the match code")])  # fmt: skip
    return int(text)
