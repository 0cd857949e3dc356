"""The nouns: lengths, addresses, orders, names of batches, the table of moves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from cardpipe.model.address import Address, clean_message, clean_text
from cardpipe.model.batch import Batch, base36, match_code
from cardpipe.model.errors import Bug, Conflict, Refused, Unavailable
from cardpipe.model.order import Order, Scope, canonical, seed
from cardpipe.model.status import BATCH_MOVES, IN_A_BATCH, PIECE_MOVES, BatchState, PieceState, sources
from cardpipe.model.units import Box, inch, mm, num, parse_length, to_mm

PLACE = {"name": "Ana", "street": "1 Main St", "city": "Reno", "state": "NV", "postcode": "89501"}
ORDER = {"reference": "R-1", "occasion": "birthday", "recipient": PLACE, "sender": PLACE, "message": "Hello"}


@pytest.mark.parametrize(
    ("text", "points"), [("1in", 72), ("25.4mm", 72), ("2.54cm", 72), ("9pt", 9), (" -3 mm ", -8.50394)]
)
def test_a_length_carries_its_unit(text: str, points: float) -> None:
    assert parse_length(text) == pytest.approx(points, abs=1e-4)


@pytest.mark.parametrize("text", ["3", "mm", "3px", "", "3 mm 4", "1e3mm", None, 3])
def test_a_bare_number_is_no_length(text: object) -> None:
    with pytest.raises(ValueError, match="unit"):
        parse_length(text)  # type: ignore[arg-type]


@given(st.floats(-1e5, 1e5))
def test_written_numbers_are_plain_and_close(value: float) -> None:
    text = num(value)
    assert "e" not in text and text != "-0" and abs(float(text) - value) <= 0.0005001


def test_inches_and_millimetres_meet() -> None:
    assert inch(1) == 72 and mm(25.4) == pytest.approx(72) and to_mm(72) == pytest.approx(25.4)


def test_boxes_know_what_they_contain_and_touch() -> None:
    box = Box(10, 10, 100, 50)
    assert box.contains(box.inset(5)) and not box.inset(5).contains(box)
    assert not box.overlaps(Box(110, 10, 5, 5)) and box.overlaps(Box(109, 59, 5, 5))


@pytest.mark.parametrize("bad", ["a\u202eb", "a\x00b", "a\x1bb", "a\u2066b"])
def test_characters_that_hide_or_turn_text_are_refused(bad: str) -> None:
    with pytest.raises(ValueError, match=r"U\+"):
        clean_text(bad)


def test_text_is_composed_and_single_spaced() -> None:
    assert clean_text("  Zoe\u0308  \u00a0 B ") == "Zoë B"
    assert clean_message("a \r\n\r\n\r\n\r\n b") == "a\n\nb"


def test_an_address_refuses_unknown_parts_and_countries() -> None:
    with pytest.raises(ValidationError):
        Address.model_validate({**PLACE, "planet": "Mars"})
    with pytest.raises(ValidationError, match="ISO 3166"):
        Address.model_validate({**PLACE, "country": "Germany"})
    assert Address.model_validate({**PLACE, "country": "de"}).country == "DE"


def test_an_order_is_strict() -> None:
    for change in ({"colour": "red"}, {"message": 5}, {"reference": ""}, {"mail_on": "1.12.2026"}, {"message": ""}):
        with pytest.raises(ValidationError):
            Order.model_validate({**ORDER, **change})
    with pytest.raises(ValidationError, match="not both"):
        Order.model_validate({**ORDER, "photo": "a.jpg", "photos": {"main": "a.jpg"}})
    with pytest.raises(ValidationError):
        Order.model_validate({**ORDER, "photos": {str(n): "a.jpg" for n in range(5)}})


def test_the_same_order_has_the_same_digest_and_another_has_not() -> None:
    first, again = Order.model_validate(ORDER), Order.model_validate(dict(reversed(ORDER.items())))
    assert first.digest() == again.digest()
    assert first.digest() != Order.model_validate({**ORDER, "message": "Hello!"}).digest()


def test_canonical_json_has_one_spelling() -> None:
    assert canonical({"b": 1, "a": "ü"}) == '{"a":"ü","b":1}'.encode()


def test_a_seed_depends_on_tenant_reference_and_panel_alone() -> None:
    seeds = {
        seed(*parts) for parts in (("a", "1", "right"), ("b", "1", "right"), ("a", "2", "right"), ("a", "1", "left"))
    }
    assert len(seeds) == 4 and seed("a", "1", "right") == seed("a", "1", "right")
    assert seed("ab", "c", "x") != seed("a", "bc", "x")


def test_match_codes_differ_in_their_role_alone() -> None:
    card, envelope = match_code(47, 17, "O"), match_code(47, 17, "E")
    assert card == "CP1001B000017O" and len(card) == 14 and card[:13] == envelope[:13]
    with pytest.raises(Bug):
        match_code(1, 1, "X")
    with pytest.raises(Bug):
        match_code(36**4, 1, "O")


@given(st.integers(0, 36**4 - 1))
def test_base_36_reads_back(number: int) -> None:
    assert int(base36(number, 4), 36) == number


def test_a_batch_name_sorts_by_day_and_says_what_it_is() -> None:
    batch = Batch("bat_x", Scope(), 3, "2026-11-21", 1, "g", "A7", "p", "usps", BatchState.IMPOSED, 1, 212)
    assert batch.name == "20261121_CP_A7_B01_0212pc_v1"


def test_every_state_has_its_moves_and_none_leads_nowhere_known() -> None:
    assert set(PIECE_MOVES) == set(PieceState) and set(BATCH_MOVES) == set(BatchState)
    assert all(target in PieceState for targets in PIECE_MOVES.values() for target in targets)
    assert PieceState.COMPOSED in sources(PieceState.BATCHED) and sources(PieceState.BATCHED) == (PieceState.COMPOSED,)


def test_what_is_in_a_print_file_is_never_composed_again() -> None:
    for state in IN_A_BATCH:
        assert PieceState.WAITING not in PIECE_MOVES[state] and PieceState.COMPOSING not in PIECE_MOVES[state]
    withdrawn = {state for state in IN_A_BATCH if PieceState.CANCELLED in PIECE_MOVES[state]}
    assert withdrawn == {PieceState.RELEASED, PieceState.PRINTED}, "pulled out by hand, before the post has it"


def test_each_error_owns_its_status_and_exit_code() -> None:
    owned = [(kind.status, kind.exit_code) for kind in (Refused, Conflict, Unavailable, Bug)]
    assert owned == [(422, 2), (409, 3), (503, 4), (500, 70)]
    assert "mend" in str(Refused()) and Unavailable.retried and not Refused.retried
