"""States and the one table of allowed moves. Held is a flag and a lease is columns: neither is a state."""

from __future__ import annotations

from enum import StrEnum


class OrderState(StrEnum):
    """What was decided about an order."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    CANCELLED = "cancelled"


class PieceState(StrEnum):
    """How far a card and its envelope have come; the last two lie aside."""

    WAITING = "waiting"
    COMPOSING = "composing"
    COMPOSED = "composed"
    BATCHED = "batched"
    RELEASED = "released"
    PRINTED = "printed"
    MAILED = "mailed"
    RETURNED = "returned"
    NEEDS_ATTENTION = "needs_attention"
    CANCELLED = "cancelled"


class BatchState(StrEnum):
    """How far a batch has come."""

    GATHERED = "gathered"
    IMPOSED = "imposed"
    RELEASED = "released"
    PRINTED = "printed"
    MAILED = "mailed"
    SETTLED = "settled"


#: What a person reads where the word of the table would promise too much (peers.md, complaints 5 and 28).
SHOWN = {
    PieceState.BATCHED: "in a print file",
    PieceState.RELEASED: "at the print and mail house",
    PieceState.MAILED: "handed to post",
}

#: Pieces in these states lie in exactly one batch; in all others, in none.
IN_A_BATCH = frozenset(
    {PieceState.BATCHED, PieceState.RELEASED, PieceState.PRINTED, PieceState.MAILED, PieceState.RETURNED}
)

#: Nothing more is printed of a piece in one of these, and no move leads to any other state.
DONE = frozenset({PieceState.MAILED, PieceState.RETURNED, PieceState.CANCELLED})

PIECE_MOVES: dict[PieceState, frozenset[PieceState]] = {
    PieceState.WAITING: frozenset({PieceState.COMPOSING, PieceState.NEEDS_ATTENTION, PieceState.CANCELLED}),
    PieceState.COMPOSING: frozenset(
        {
            PieceState.COMPOSING,  # a lease ran out and another worker took over
            PieceState.COMPOSED,
            PieceState.WAITING,
            PieceState.NEEDS_ATTENTION,
            PieceState.CANCELLED,
        }
    ),
    PieceState.COMPOSED: frozenset(
        {PieceState.BATCHED, PieceState.WAITING, PieceState.NEEDS_ATTENTION, PieceState.CANCELLED}
    ),
    PieceState.BATCHED: frozenset({PieceState.RELEASED, PieceState.NEEDS_ATTENTION}),
    # withdrawn after the release: pulled out by hand, and never mailed
    PieceState.RELEASED: frozenset({PieceState.PRINTED, PieceState.MAILED, PieceState.CANCELLED}),
    PieceState.PRINTED: frozenset({PieceState.MAILED, PieceState.CANCELLED}),
    PieceState.MAILED: frozenset({PieceState.RETURNED}),
    PieceState.RETURNED: frozenset(),
    PieceState.NEEDS_ATTENTION: frozenset({PieceState.WAITING, PieceState.CANCELLED}),
    PieceState.CANCELLED: frozenset(),
}

ORDER_MOVES: dict[OrderState, frozenset[OrderState]] = {
    OrderState.ACCEPTED: frozenset({OrderState.CANCELLED}),
    OrderState.REFUSED: frozenset({OrderState.ACCEPTED}),
    OrderState.CANCELLED: frozenset(),
}

BATCH_MOVES: dict[BatchState, frozenset[BatchState]] = {
    # settled: every piece of it was ejected
    BatchState.GATHERED: frozenset({BatchState.IMPOSED, BatchState.SETTLED}),
    # back: a new membership revision
    BatchState.IMPOSED: frozenset({BatchState.RELEASED, BatchState.GATHERED, BatchState.SETTLED}),
    BatchState.RELEASED: frozenset({BatchState.PRINTED, BatchState.MAILED}),
    BatchState.PRINTED: frozenset({BatchState.MAILED}),
    BatchState.MAILED: frozenset({BatchState.SETTLED}),
    BatchState.SETTLED: frozenset(),
}


def sources(target: PieceState) -> tuple[PieceState, ...]:
    """The states from which a piece may move to ``target``: what a compare-and-set has to name."""
    return tuple(state for state, targets in PIECE_MOVES.items() if target in targets)
