"""Proofs: what a composed piece will look like, drawn from the fragments that go to press."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cardpipe.model.errors import Refused
from cardpipe.model.finding import error
from cardpipe.model.piece import Piece
from cardpipe.pipeline import pinned
from cardpipe.ports import Shop
from cardpipe.prepress import proof
from cardpipe.prepress.fragment import Fragment
from cardpipe.prepress.xmp import Stamp


@dataclass(frozen=True, slots=True)
class Proof:
    """The pages of a card or an envelope, and the digest that an approval names."""

    pages: list[proof.ProofPage]
    digest: str

    def png(self) -> bytes:
        """All pages as one picture."""
        return proof.png(proof.sheet(self.pages))


def draw(shop: Shop, piece: Piece, look: proof.Look, what: Literal["card", "envelope"] = "card") -> Proof:
    """The proof of a composed piece. Raises Refused (code ``piece.not_composed``) for one that is not."""
    if piece.composed is None:
        state = f"is {piece.state}"
        raise Refused(
            "there is nothing to prove yet",
            [error("piece.not_composed", piece.reference, state, "wait until it is composed")],
        )
    press = pinned.press(piece.spec)
    stamp = Stamp(
        title=f"Proof {what}",
        day=piece.mail_on,
        intent_digest=piece.spec["profile"],
        condition=press.condition,
        condition_info=press.condition_info,
        duplex="Simplex",
        output=press.output,
    )
    digest = piece.composed.card if what == "card" else piece.composed.envelope
    with shop.artifacts.open(piece.scope, digest) as source:
        fragment = Fragment(source)
        pages = proof.draw(
            fragment, pinned.shared(shop, piece.scope, piece.spec), stamp, shop.catalog.printed().data, look
        )
        return Proof(pages, proof.digest(fragment))
