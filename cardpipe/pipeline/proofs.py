"""Proofs: what a composed piece will look like, drawn from the fragments that go to press."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Literal

from cardpipe.model.errors import Refused
from cardpipe.model.finding import error
from cardpipe.model.order import Scope
from cardpipe.model.piece import Piece
from cardpipe.pipeline import pinned
from cardpipe.ports import Shop
from cardpipe.prepress import proof
from cardpipe.prepress.fragment import Fragment, Part
from cardpipe.prepress.merge import Shared
from cardpipe.prepress.raster import opened
from cardpipe.prepress.xmp import Stamp

_HEAD = 128  # bytes of an ICC profile that say what it is for (ICC.1:2010, 7.2)
_recent = pinned.Recent(16)
#: The rasteriser is one library for the whole process, and takes one caller at a time: who opens a file with it in a
#: program of several threads holds this.
RASTER = threading.Lock()


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
        with RASTER:
            pages = proof.draw(fragment, _shared(shop, piece), stamp, shop.catalog.printed().data, look)
        return Proof(pages, proof.digest(fragment))


def _shared(shop: Shop, piece: Piece) -> Shared:
    """How the merge finds what pieces lean on. The art of a batch of thousands is opened once; of the press's profile,
    which the rasteriser does not ask, the head is enough."""
    shared = pinned.shared(shop, piece.scope, piece.spec)

    def art(digest: str) -> list[Part]:
        return _recent.get((*piece.scope, digest, str(pinned.layout(piece.spec).media)), lambda: shared.art(digest))

    def icc(digest: str) -> bytes:
        return shared.icc(digest)[: _HEAD if digest == piece.spec["profile"] else None]

    return Shared(art, shared.font, icc)


def paper(shop: Shop, scope: Scope, digest: str, ppi: float) -> bytes:
    """The first page of a paper (ticket, report) that lies in the artifacts, as a PNG."""
    with RASTER, shop.artifacts.open(scope, digest) as source, opened(source) as document:
        return document.png(0, ppi)
