"""Mail order: one order out, whatever order goes in."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from cardpipe.lettershop.addressing import sort_key
from cardpipe.lettershop.carrier import Carrier
from cardpipe.lettershop.presort import groups, judge_quantity, mail_order
from cardpipe.model.address import Address
from cardpipe.model.finding import Level


@dataclass(frozen=True)
class Piece:
    reference: str
    sort_key: str
    group: str = "A7"


def piece(reference: str, postcode: str, country: str = "US", group: str = "A7") -> Piece:
    return Piece(reference, sort_key(Address(postcode=postcode, country=country)), group)


PIECES = [
    piece("e", "00501"), piece("b", "02139"), piece("c", "02139"), piece("a", "021390001"), piece("x", "94103"),
    piece("f", "H2X 1Y4", "CA"), piece("d", "01067", "DE"), piece("g", "51147", "DE"),
    piece("h", "00501", group="B"),
]  # fmt: skip


@given(st.permutations(PIECES))
def test_any_order_in_one_order_out(shuffled: list[Piece]) -> None:
    assert mail_order(shuffled) == PIECES
    assert groups(shuffled) == {"A7": PIECES[:-1], "B": PIECES[-1:]}


def test_small_batches_are_noted(usps: Carrier) -> None:
    (found,) = judge_quantity(212, usps)
    assert (found.level, found.code) == (Level.NOTE, "carrier.quantity.small")
    assert "212" in found.message and "500" in found.message and found.remedy
    assert judge_quantity(500, usps) == []
