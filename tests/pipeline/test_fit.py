"""Whether words fit, before anything is ordered: with lines, sizes, and every missing character by its place."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from shopfloor import House

from cardpipe.model.errors import Refused
from cardpipe.pipeline.fit import Fit, Trial, fit


def tried(house: House, message: str, **more: object) -> Fit:
    return fit(house, Trial.model_validate({"message": message, "design": "thank-you-fern", **more}))


def test_words_that_fit_are_told_as_they_break(house: House) -> None:
    made = tried(
        house, "Dear {first_name},\n\nthank you for the garden with the lights on.\n\nJune", recipient_name="Anna Lee"
    )
    assert made.fits and made.lines[0] == "Dear Anna," and made.lines[-1] == "June" and made.missing == ()
    assert made.x_height_mm and made.smallest_mm <= made.x_height_mm <= made.largest_mm
    assert made.height_mm and made.height_mm <= made.room_mm
    assert " ".join(made.lines).split() == [
        "Dear",
        "Anna,",
        "thank",
        "you",
        "for",
        "the",
        "garden",
        "with",
        "the",
        "lights",
        "on.",
        "June",
    ]


def test_too_many_words_are_refused_with_numbers(house: House) -> None:
    made = tried(house, "All of it was lovely. " * 120)
    assert not made.fits and made.x_height_mm is None
    assert [finding.code for finding in made.findings] == ["message.too_long"]
    assert any(character.isdigit() for character in made.findings[0].message)


def test_each_missing_character_is_named_with_its_place(house: House) -> None:
    made = tried(house, "Dear 愛,\nthank you 愛 and 水")
    assert [(m.character, m.code, m.line, m.column) for m in made.missing] == [
        ("愛", "U+611B", 1, 6), ("愛", "U+611B", 2, 11), ("水", "U+6C34", 2, 17)
    ]  # fmt: skip
    assert not made.fits and {finding.code for finding in made.findings} == {"message.glyph_missing"}


def test_a_signature_takes_room(house: House) -> None:
    words = "Thank you for all of it. " * 8
    assert tried(house, words, signature=True).room_mm < tried(house, words).room_mm


def test_what_is_unknown_is_named(house: House) -> None:
    for more, code in (({"hand": "nobody"}, "order.hand"), ({"design": "nothing"}, "design.unknown")):
        with pytest.raises(Refused) as caught:
            tried(house, "Hello", **more)
        assert [finding.code for finding in caught.value.findings] == [code]
    with pytest.raises(Refused):
        tried(house, "Dear {nickname}")
    with pytest.raises(ValidationError):
        tried(house, "Hello", colour="red")
