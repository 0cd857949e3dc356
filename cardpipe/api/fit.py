"""``/v1/fit``: whether a message fits a design in a hand, before anything is ordered."""

from __future__ import annotations

import anyio
from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends
from starlette.requests import Request

from cardpipe.api import asked
from cardpipe.api import shapes_doors as shapes
from cardpipe.api.access import Caller, needs
from cardpipe.api.shapes import findings
from cardpipe.pipeline.fit import Fit, Trial, fit
from cardpipe.wiring import Shop

AT_ONCE = 2


def routes(house: Shop) -> APIRouter:
    """The one route."""
    router = APIRouter(prefix="/v1/fit", tags=["orders"])
    reads = Depends(needs(house, "orders:read"))
    desks = anyio.CapacityLimiter(AT_ONCE)

    @router.post(
        "", operation_id="tryFit", summary="Does a message fit?", response_model=shapes.FitShape,
        openapi_extra=asked.described(Trial),
    )  # fmt: skip
    async def tried(request: Request, caller: Caller = reads) -> shapes.FitShape:
        """Lines, size, and each character that the hand cannot write, by line and column. Nothing is stored, and the
        words are not repeated: ``words`` says how many stand on each line."""
        trial = await asked.said(request, Trial)
        return _shape(await run_sync(lambda: fit(house, trial), limiter=desks))

    return router


def _shape(made: Fit) -> shapes.FitShape:
    return shapes.FitShape(
        fits=made.fits, design=made.design, hand=made.hand, lines=len(made.lines) if made.fits else None,
        words=[len(line.split()) for line in made.lines], x_height_mm=made.x_height_mm, smallest_mm=made.smallest_mm,
        largest_mm=made.largest_mm, height_mm=made.height_mm, room_mm=made.room_mm,
        missing=[
            shapes.MissingShape(character=m.character, code=m.code, line=m.line, column=m.column) for m in made.missing
        ],
        findings=findings(made.findings),
    )  # fmt: skip
