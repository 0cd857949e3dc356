"""What may be done to an order beside changing it, and what may be asked of it: the fixed endings of its address."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Literal

import anyio
from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from cardpipe.api import asked, viewing
from cardpipe.api import shapes_orders as shapes
from cardpipe.api.access import Caller, needs
from cardpipe.api.body import MAX_JSON, read, strict_object
from cardpipe.api.shapes import CancelShape
from cardpipe.model.errors import Conflict, Unavailable
from cardpipe.model.finding import error
from cardpipe.model.intake import Row, RowState
from cardpipe.model.stored import StoredOrder
from cardpipe.pipeline import proofs
from cardpipe.pipeline.cancel import cancel
from cardpipe.pipeline.change import approve
from cardpipe.pipeline.erase import erase
from cardpipe.pipeline.explain import Action, Decision, actions, explain
from cardpipe.prepress.format import Format
from cardpipe.prepress.proof import MAX_PPI, Look
from cardpipe.wiring import Shop

#: Proofs drawn at once: each is a page of pixels in memory. Whoever waits longer for a place comes again.
PROOFS_AT_ONCE, WAIT_SECONDS = 2, 20.0
_TEST_WORD = "TEST — NOT PRINTED"
_PNG = {
    200: {
        "description": "The pages as one picture.", "content": {"image/png": {}},
        "headers": asked.heads("ETag", "Proof-Digest"),
    },
    304: {"description": "Unchanged."},
}  # fmt: skip

Ppi = Annotated[float, Query(ge=10, le=MAX_PPI, description="At most enough to read every word, never to print.")]


class ApproveShape(BaseModel):
    """Which card is to be printed: the digest of its proof (``proof.digest`` of the order, or ``Proof-Digest``)."""

    model_config = ConfigDict(extra="forbid", strict=True)

    proof: str = Field(max_length=80, examples=["sha256:" + 64 * "0"])


class ResumeShape(BaseModel):
    """Why it goes on. ``allow_duplicate``: it was held as a likely second card, and is one on purpose."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reason: str = Field(min_length=1, max_length=200)
    allow_duplicate: bool = False


class EraseShape(BaseModel):
    """Nothing needs to be said. A reason may be, and is not kept: it may name the person."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reason: str = Field(default="", max_length=200)


def add(router: APIRouter, house: Shop, desks: anyio.CapacityLimiter) -> None:
    """Add these routes; before the one for any key, since a reference may hold a slash."""
    writes = Depends(needs(house, "orders:write"))

    def told(stored: StoredOrder) -> shapes.OrderShape:
        return viewing.view(house, stored)

    @router.post(
        "/{key:path}/cancel", operation_id="cancelOrder", summary="Withdraw an order", response_model=shapes.OrderShape,
        openapi_extra=asked.described(CancelShape),
    )  # fmt: skip
    async def withdraw(key: str, request: Request, caller: Caller = writes) -> shapes.OrderShape:
        """Until its piece lies in a print file; afterwards 409. Twice is once. One that no worker has judged yet, or
        that was refused, is withdrawn for good."""
        why = asked.reason((await asked.said(request, CancelShape)).reason)

        def work() -> shapes.OrderShape:
            stored = viewing.found(house, caller.scope, key)
            if isinstance(stored, Row):
                with suppress(Conflict):  # it became an order since we looked
                    return shapes.row(house.store.drop_row(caller.scope, stored.id, why, caller.actor))
                stored = viewing.judged(house, caller.scope, key)
            return told(cancel(house, caller.scope, stored.id, why, caller.actor))

        return await run_sync(work, limiter=desks)

    @router.post(
        "/{key:path}/approve", operation_id="approveOrder", summary="Approve a proof", response_model=shapes.OrderShape,
        openapi_extra=asked.described(ApproveShape),
    )  # fmt: skip
    async def approved(key: str, request: Request, caller: Caller = writes) -> shapes.OrderShape:
        """Just the card of this proof is printed. 409 ``proof.other`` where it is another one by now. Twice is once."""
        proof = (await asked.said(request, ApproveShape)).proof

        def work() -> shapes.OrderShape:
            stored = viewing.judged(house, caller.scope, key)
            return told(approve(house, caller.scope, stored.id, proof, caller.actor))

        return await run_sync(work, limiter=desks)

    @router.post(
        "/{key:path}/hold", operation_id="holdOrder", summary="Hold an order", response_model=shapes.OrderShape,
        openapi_extra=asked.described(CancelShape),
    )  # fmt: skip
    async def held(key: str, request: Request, caller: Caller = writes) -> shapes.OrderShape:
        """It stands still until it is resumed; 409 once it lies in a print file. One that is held stays so."""
        why = asked.reason((await asked.said(request, CancelShape)).reason)
        return await run_sync(lambda: told(_held(house, caller, key, why)), limiter=desks)

    @router.post(
        "/{key:path}/resume", operation_id="resumeOrder", summary="Let an order go on",
        response_model=shapes.OrderShape, openapi_extra=asked.described(ResumeShape),
    )  # fmt: skip
    async def resumed(key: str, request: Request, caller: Caller = writes) -> shapes.OrderShape:
        """The end of a hold. A likely duplicate goes on only with ``allow_duplicate``, which is recorded."""
        said = await asked.said(request, ResumeShape)
        why = asked.reason(said.reason)
        return await run_sync(lambda: told(_resumed(house, caller, key, why, said.allow_duplicate)), limiter=desks)

    @router.post(
        "/{key:path}/erase", operation_id="eraseOrder", summary="Erase personal data", response_model=shapes.OrderShape,
        openapi_extra=asked.described(EraseShape, required=False),
    )  # fmt: skip
    async def erased(key: str, request: Request, caller: Caller = writes) -> shapes.OrderShape:
        """Now, of an order that was mailed or cancelled: names, words and pictures; its states stay. Twice is once."""
        if data := await read(request, MAX_JSON, "an erasure"):
            asked.understood(strict_object(data), EraseShape)

        def work() -> shapes.OrderShape:
            stored = viewing.judged(house, caller.scope, key)
            return told(erase(house, caller.scope, stored.id, caller.actor))

        return await run_sync(work, limiter=desks)

    _questions(router, house)


def _questions(router: APIRouter, house: Shop) -> None:
    reads = Depends(needs(house, "orders:read"))
    easels = anyio.CapacityLimiter(PROOFS_AT_ONCE)

    @router.get(
        "/{key:path}/actions", operation_id="getActions", summary="What may still be done to an order?",
        response_model=shapes.ActionsShape,
    )  # fmt: skip
    def may(key: str, caller: Caller = reads) -> shapes.ActionsShape:
        """Each with the moment until which it may, or why it may not any more."""
        stored = viewing.found(house, caller.scope, key)
        listed = _actions_of(stored) if isinstance(stored, Row) else actions(house, caller.scope, stored)
        return shapes.ActionsShape(order=stored.id, actions=[shapes.action(each) for each in listed])

    @router.get(
        "/{key:path}/explain", operation_id="explainOrder", summary="Why is an order as it is?",
        response_model=shapes.ExplainShape,
    )  # fmt: skip
    def why(key: str, caller: Caller = reads) -> shapes.ExplainShape:
        """Every decision with its reason code, oldest first; last what it waits for now."""
        stored = viewing.found(house, caller.scope, key)
        made = _decisions_of(stored) if isinstance(stored, Row) else explain(house, caller.scope, stored)
        return shapes.ExplainShape(order=stored.id, decisions=[shapes.decision(each) for each in made])

    @router.get(
        "/{key:path}/events", operation_id="getOrderEvents", summary="An order's log",
        response_model=shapes.EventsOfOrderShape,
    )  # fmt: skip
    def log(key: str, caller: Caller = reads) -> shapes.EventsOfOrderShape:
        """Every move of the order and its piece, oldest first."""
        stored = viewing.found(house, caller.scope, key)
        told = house.store.events(caller.scope, stored.id) if isinstance(stored, Row) else viewing.log(house, stored)
        return shapes.EventsOfOrderShape(events=[shapes.event(each) for each in told])

    @router.get(
        "/{key:path}/proof", operation_id="getProof", summary="An order's proof", response_class=Response,
        responses=_PNG,  # type: ignore[arg-type]
    )  # fmt: skip
    async def proof(
        key: str, request: Request, side: Literal["card", "envelope"] = "card", guides: bool = False, ppi: Ppi = 110.0,
        caller: Caller = reads,
    ) -> Response:  # fmt: skip
        """What will be printed, with a word across it, as PNG; 409 ``proof.not_ready`` until it is composed. The header
        Proof-Digest is what an approval names."""

        def ready() -> StoredOrder:
            stored = viewing.judged(house, caller.scope, key)
            if stored.erased_at is not None:
                what, remedy = "its personal data were erased", "nothing is left that could be shown"
                raise Conflict("There is no proof any more.", [error("order.erased", "order", what, remedy)])
            if not stored.pieces or stored.pieces[0].composed is None:
                state = f"its piece is {stored.pieces[0].state}" if stored.pieces else "it has no piece"
                found = error("proof.not_ready", "proof", state, "ask again once it is composed")
                raise Conflict("The order has no proof yet.", [found])
            return stored

        piece = (await run_sync(ready)).pieces[0]
        digest = piece.composed.proof if piece.composed else ""
        headers = {"proof-digest": digest, "etag": f'"{digest}/{side}/{ppi:g}{"/guides" if guides else ""}"'}
        if headers["etag"] in request.headers.get("if-none-match", ""):
            return Response(None, 304, headers)
        layout = Format.from_dict(piece.spec["format"]) if guides else None
        look = Look(ppi=ppi, word=_TEST_WORD if piece.scope.mode == "test" else "PROOF", guides=layout)
        try:
            with anyio.fail_after(WAIT_SECONDS):
                await easels.acquire()
        except TimeoutError:
            raise Unavailable("Too many proofs are being drawn; ask again in a moment.") from None
        try:
            png = await run_sync(lambda: proofs.draw(house, piece, look, side).png())
        finally:
            easels.release()
        return Response(png, 200, headers, "image/png")


def _held(house: Shop, caller: Caller, key: str, why: str) -> StoredOrder:
    stored = viewing.judged(house, caller.scope, key)
    if stored.held is not None:
        return stored
    may = next(action for action in actions(house, caller.scope, stored) if action.name == "hold")
    if not may.allowed:
        raise Conflict("The order cannot be held any more.", [error("order.hold.too_late", "order", may.why)])
    house.store.hold(caller.scope, stored.id, why, "crm", caller.actor)
    house.store.audit(caller.scope.tenant, caller.actor, "order.held", stored.id, mode=caller.scope.mode)
    return house.store.order(caller.scope, stored.id)


def _resumed(house: Shop, caller: Caller, key: str, why: str, allow_duplicate: bool) -> StoredOrder:
    stored = viewing.judged(house, caller.scope, key)
    if stored.held is None:
        return stored
    may = next(action for action in actions(house, caller.scope, stored) if action.name == "resume")
    if not may.allowed:
        raise Conflict("The order does not go on.", [error("order.resume.too_late", "order", may.why)])
    if allow_duplicate:
        return house.store.allow_duplicate(caller.scope, stored.id, why, caller.actor)
    house.store.resume(caller.scope, stored.id, why, caller.actor)
    house.store.audit(caller.scope.tenant, caller.actor, "order.resumed", stored.id, mode=caller.scope.mode)
    return house.store.order(caller.scope, stored.id)


def _actions_of(row: Row) -> list[Action]:
    """Of an order that is none yet."""
    may = "" if row.state is RowState.REFUSED else f"it is {row.state}"
    not_yet, open_ = "it was not accepted yet", row.state in (RowState.RECEIVED, RowState.REFUSED)
    others = ("approve", "proof", "hold", "resume", "allow_duplicate", "erase")
    cancel_ = Action("cancel", open_, "" if open_ else f"it is {row.state}")
    return [Action("change", not may, may), cancel_, *(Action(name, False, not_yet) for name in others)]


def _decisions_of(row: Row) -> list[Decision]:
    """Of an order that is none yet: what was found, and what it waits for."""
    said = [Decision(row.at, f.code, str(f.level), f"{f.where}: {f.message}", f.remedy, row.id) for f in row.findings]
    if row.state is RowState.RECEIVED:
        said.append(Decision(row.at, "waits.judge", "note", "waits for a worker to judge it", "", row.id))
    elif row.state is RowState.REFUSED:
        said.append(Decision(row.at, "waits.mend", "note", "was refused and is kept", "mend it with PATCH", row.id))
    return said
