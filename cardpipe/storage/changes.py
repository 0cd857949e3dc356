"""What a CRM may do to an order until its piece lies in a batch: change it, approve its proof, allow a second card.

Each begins with the order locked, and writes order, steps, pieces in this sequence. A change fences whoever composes
the old card, and what was approved of that is void: only what was approved is printed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cardpipe.model.errors import Conflict, Refused
from cardpipe.model.finding import error
from cardpipe.model.order import Scope
from cardpipe.model.piece import Piece
from cardpipe.model.status import IN_A_BATCH, OrderState, PieceState, sources
from cardpipe.model.stored import NewOrder, StoredOrder
from cardpipe.storage import duplicates, holds, orders, pieces, steps
from cardpipe.storage.engine import Tx
from cardpipe.storage.events import findings_text, log, text
from cardpipe.storage.tables import words

#: A piece in one of these may still become another card.
CHANGEABLE = frozenset({PieceState.WAITING, *sources(PieceState.WAITING)})

_CHANGE = """
    UPDATE orders SET request_digest = :request_digest, request = :request, occasion = :occasion, design = :design,
                      mail_on = :mail_on, findings = :findings, revision = revision + 1, changed_at = :at,
                      approval = :approval, approved = NULL, arrive_by = :arrive_by, natural_key = :natural_key,
                      duplicate_allowed = CASE WHEN natural_key = :natural_key THEN duplicate_allowed ELSE 0 END,
                      held = :held, held_code = :held_code, duplicate_of = :duplicate_of
    WHERE tenant = :tenant AND mode = :mode AND id = :id AND revision = :revision
"""
_CHANGE_PIECE = f"""
    UPDATE pieces SET state = 'waiting', mail_on = :mail_on, group_key = :group_key, sort_key = :sort_key, spec = :spec,
                      card = NULL, envelope = NULL, card_bytes = NULL, envelope_bytes = NULL, composed_findings = '[]',
                      findings = '[]', presorted = NULL, awaits_approval = 0, held = :held
    WHERE tenant = :tenant AND mode = :mode AND id = :id AND state IN ({words(CHANGEABLE)})
"""
_DROP_METADATA = "DELETE FROM order_metadata WHERE tenant = :tenant AND mode = :mode AND order_id = :id"
_NATURAL_KEY = "SELECT natural_key FROM orders WHERE tenant = :tenant AND mode = :mode AND id = :id"
_ALLOW = "UPDATE orders SET duplicate_allowed = :allowed WHERE tenant = :tenant AND mode = :mode AND id = :id"
_APPROVE = "UPDATE orders SET approved = :proof WHERE tenant = :tenant AND mode = :mode AND id = :id"
_APPROVE_PIECE = """
    UPDATE pieces SET awaits_approval = 0
    WHERE tenant = :tenant AND mode = :mode AND id = :id AND state = :state AND card = :card AND envelope = :envelope
"""


def change(
    tx: Tx, scope: Scope, key: str, revision: int, new: NewOrder, changed: Sequence[str], actor: str
) -> StoredOrder:
    """The next revision of an order, with everything of ``new`` but its reference, its lane and its id. What is held
    stays held; what looks like a second card now is held from now on."""
    stored = orders.locked(tx, scope, key)
    _may_change(stored, revision)
    if new.reference != stored.reference:
        remedy = "leave it as it is; another reference is another order"
        found = error("order.reference.fixed", "reference", "cannot be changed", remedy)
        raise Refused("The reference of an order cannot be changed.", [found])
    held, code, other = _hold(tx, stored, new)
    key_: dict[str, Any] = {"tenant": scope.tenant, "mode": scope.mode}
    written = tx.run(
        _CHANGE, **key_, id=stored.id, revision=revision, request_digest=new.request_digest, request=text(new.request),
        occasion=new.occasion, design=new.design, mail_on=new.mail_on, findings=findings_text(new.findings), at=tx.at,
        approval=new.approval, arrive_by=new.arrive_by, natural_key=new.natural_key, held=held, held_code=code,
        duplicate_of=other,
    )  # fmt: skip
    if not written:
        raise _other_revision(revision, None)
    for piece in stored.pieces:
        _change_piece(tx, piece, new, held or piece.held)
    tx.run(_DROP_METADATA, **key_, id=stored.id)
    orders.put_metadata(tx, scope, stored.id, new.metadata)
    pieces.own(tx, scope, stored.id, new.pictures)  # the old ones stay its own: they, too, are erased with it
    log(tx, scope, "change", stored.id, None, None, "changed", fields=list(changed), by=actor, revision=revision + 1)
    if held is not None and (held, other) != (stored.held, stored.duplicate_of):
        was = None if stored.held is None else "held"
        log(tx, scope, "hold", stored.id, was, "held", held, **orders.held_detail(str(code), other), by=actor)
    return orders.one(tx, scope, stored.id)


def approve(tx: Tx, scope: Scope, key: str, proof: str, actor: str) -> StoredOrder:
    """Just the card of this proof may be printed. Twice is once."""
    stored = orders.locked(tx, scope, key)
    if stored.state != OrderState.ACCEPTED:
        found = error("order.cancelled", "order", f"it is {stored.state}", "order it anew if it is to be mailed")
        raise Conflict(f"An order that is {stored.state} is not printed; there is nothing to approve.", [found])
    for piece in stored.pieces:
        if piece.composed is None or piece.state not in IN_A_BATCH | {PieceState.COMPOSED}:
            found = error("proof.not_ready", "proof", f"its piece is {piece.state}", "wait until it is composed")
            raise Conflict("The order has no proof yet.", [found])
        if piece.composed.proof != proof:
            raise _other_proof()
    if stored.approved == proof:
        return stored
    tx.run(_APPROVE, tenant=scope.tenant, mode=scope.mode, id=stored.id, proof=proof)
    for piece in stored.pieces:
        _approve_piece(tx, piece)
    log(tx, scope, "approval", stored.id, None, None, "approved", proof=proof, by=actor)
    return orders.one(tx, scope, stored.id)


def allow_duplicate(tx: Tx, scope: Scope, key: str, reason: str, actor: str) -> StoredOrder:
    """A likely duplicate goes on, on purpose. Where the other one does not go on any more, there is nothing to allow:
    then this one takes its place, and a third is held against it."""
    stored = orders.locked(tx, scope, key)
    if stored.held is None or stored.held_code != duplicates.CODE or stored.state != OrderState.ACCEPTED:
        found = error("order.duplicate.none", "order", "is not held as a likely duplicate", "look why it is held")
        raise Conflict("The order is not held as a likely duplicate.", [found])
    key_ = {"tenant": scope.tenant, "mode": scope.mode, "id": stored.id}
    other = duplicates.standing(tx, scope, _natural_key(tx, stored), stored.id, also_allowed=False)
    tx.run(_ALLOW, **key_, allowed=int(other is not None))
    holds.put(tx, scope, stored.id, None, None)
    log(tx, scope, "hold", stored.id, "held", None, reason, by=actor, allow_duplicate=True)
    return orders.one(tx, scope, stored.id)


def _may_change(stored: StoredOrder, revision: int) -> None:
    where = next((piece.state for piece in stored.pieces if piece.state not in CHANGEABLE), None)
    if stored.state != OrderState.ACCEPTED or stored.erased_at is not None:
        raise _too_late("its personal data were erased" if stored.erased_at else f"it is {stored.state}")
    if where is not None:
        raise _too_late(f"its piece is {where}")
    if stored.revision != revision:
        raise _other_revision(revision, stored.revision)


def _hold(tx: Tx, stored: StoredOrder, new: NewOrder) -> tuple[str | None, str | None, str | None]:
    """(reason, code, of which order it is a duplicate) of a changed order. A person's hold stays; so does one as a
    duplicate, even if it looks like none any more, until somebody resumes it."""
    before = stored.held, stored.held_code, stored.duplicate_of
    if stored.held is not None and stored.held_code != duplicates.CODE:
        return before
    if _natural_key(tx, stored) == new.natural_key:
        return before
    other = duplicates.standing(tx, stored.scope, new.natural_key, stored.id)
    return before if other is None else (duplicates.reason(other), duplicates.CODE, str(other["id"]))


def _natural_key(tx: Tx, stored: StoredOrder) -> str | None:
    row = tx.one(_NATURAL_KEY, tenant=stored.scope.tenant, mode=stored.scope.mode, id=stored.id)
    return None if row is None else row["natural_key"]


def _change_piece(tx: Tx, piece: Piece, new: NewOrder, held: str | None) -> None:
    """Another card and another envelope, to be composed anew. What was composed is forgotten; its bytes are still the
    order's own. Raises Conflict where a gather took it at this moment."""
    scope = piece.scope
    steps.reopen(tx, scope, "compose", piece.id, held=held)
    moved = tx.run(
        _CHANGE_PIECE, tenant=scope.tenant, mode=scope.mode, id=piece.id, mail_on=new.mail_on, group_key=new.group,
        sort_key=new.sort_key, spec=text(new.spec), held=held,
    )  # fmt: skip
    now = pieces.one(tx, scope, piece.id).state
    if not moved:
        raise _too_late(f"its piece is {now}")
    log(tx, scope, "piece", piece.id, str(piece.state), str(now), "its order was changed", order=piece.order_id)


def _approve_piece(tx: Tx, piece: Piece) -> None:
    """Raises Conflict where the piece is another card since it was read."""
    if piece.composed is None or not tx.run(
        _APPROVE_PIECE, tenant=piece.scope.tenant, mode=piece.scope.mode, id=piece.id, state=str(piece.state),
        card=piece.composed.card, envelope=piece.composed.envelope,
    ):  # fmt: skip
        raise _other_proof()


def _too_late(why: str) -> Conflict:
    remedy = "ask for its actions: a piece in a batch is ejected or withdrawn by the operator"
    return Conflict("The order cannot be changed any more.", [error("order.change.too_late", "order", why, remedy)])


def _other_revision(revision: int, now: int | None) -> Conflict:
    told = f"names revision {revision}; stored is {now if now is not None else 'another one by now'}"
    remedy = "get the order anew, look at what changed, and send the change with its ETag"
    return Conflict("The order was changed meanwhile.", [error("order.revision", "If-Match", told, remedy)])


def _other_proof() -> Conflict:
    remedy = "look at the order's proof as it is now, and approve the digest of that one"
    found = error("proof.other", "proof", "is not the proof of the card as it is now", remedy)
    return Conflict("The order has another proof now.", [found])
