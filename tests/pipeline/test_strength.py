"""How far a hand strays is the order's to say; natural is what is written when it says nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from shopfloor import House, order

from cardpipe.pipeline import compose


def card(house: House, number: int, strength: str | None) -> tuple[str, dict[str, object]]:
    """The digest of one card's fragment, and its pinned hand."""
    said = {} if strength is None else {"strength": strength}
    verdict = house.take(order(7, reference=f"S-{number}", **said))
    assert verdict.order is not None, verdict.findings
    piece = verdict.order.pieces[0]
    alike = replace(piece, spec={**piece.spec, "reference": "S"})  # or the seed would tell them apart
    return compose.make(house, alike).card, dict(piece.spec["hand"])


def test_each_strength_is_another_card_and_natural_is_the_usual(house: House) -> None:
    made = {
        strength: card(house, n, strength) for n, strength in enumerate((None, "none", "subtle", "natural", "lively"))
    }
    assert made[None] == made["natural"] and "strength" not in made[None][1], "specs of before mean the same"
    assert len({digest for digest, _ in made.values()}) == 4
    assert made["lively"][1]["strength"] == "lively"


def test_another_word_is_refused(house: House) -> None:
    verdict = house.take(order(strength="wild"))
    assert verdict.order is None
    assert [finding.where for finding in verdict.findings] == ["strength"]
    assert house.store.due_steps(10, 0.0) == []


@pytest.mark.parametrize("strength", ["none", "lively"])
def test_a_column_says_it_too(strength: str) -> None:
    from cardpipe.pipeline import bulk

    assert "strength" in bulk.columns()
    header = "reference,occasion,recipient.name,sender.name,message,strength"
    (row,) = bulk.read(f"{header}\nA,birthday,Ann,June,Hi,{strength}\n".encode(), "x.csv")
    assert row.data["strength"] == strength
