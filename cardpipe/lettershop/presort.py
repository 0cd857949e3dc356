"""Mail order: the order in which pieces are numbered, printed, inserted and handed to the post.

Plain ZIP order, foreign mail after it (print.md section 6). Trays and bundles by the post's labelling lists need
licensed data and belong to the print and mail house: :mod:`cardpipe.lettershop.handover` gives it the list and takes
back its order.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

from cardpipe.lettershop.carrier import Carrier
from cardpipe.model.finding import Finding, note


class Mailable(Protocol):
    """What mail order asks of a piece (``model.piece.Piece`` has it)."""

    @property
    def group(self) -> str: ...
    @property
    def sort_key(self) -> str: ...
    @property
    def reference(self) -> str: ...


P = TypeVar("P", bound=Mailable)


def mail_order(pieces: Iterable[P]) -> list[P]:
    """The pieces by group, then as the post wants them, then by reference: any order in, one order out."""
    return sorted(pieces, key=lambda piece: (piece.group, piece.sort_key, piece.reference))


def groups(pieces: Iterable[P]) -> dict[str, list[P]]:
    """Mail order within each group, the groups in the order of their names: what becomes one batch each."""
    found: dict[str, list[P]] = {}
    for piece in mail_order(pieces):
        found.setdefault(piece.group, []).append(piece)
    return found


def judge_quantity(quantity: int, carrier: Carrier, where: str = "batch") -> list[Finding]:
    """A note where a batch is too small for the carrier's commercial prices: somebody has to decide how to post it."""
    least = carrier.commercial_minimum
    if least is None or quantity >= least:
        return []
    return [
        note("carrier.quantity.small", where,
             f"{quantity} pieces are fewer than the {least} of a commercial mailing", carrier.commercial_hint)
    ]  # fmt: skip
