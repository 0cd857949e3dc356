"""Merge fields: filled, filled with what the message states instead, or refused; never an empty place by accident."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardpipe.model.finding import Level
from cardpipe.model.order import Order
from cardpipe.prepress import fields

ANA = {"name": "Dr. Ana Ortega", "street": "1 Oak St", "city": "Reno", "state": "NV", "postcode": "89501"}


def order(message: str, **more: Any) -> Order:
    said = {"reference": "A", "occasion": "birthday", "recipient": ANA, "sender": {"name": "June"}, **more}
    return Order.model_validate({**said, "message": message})


def merged(message: str, **more: Any) -> tuple[str, list[str]]:
    text, findings = fields.merge(order(message, **more))
    return text, [f"{finding.level} {finding.code}" for finding in findings]


NOTE, ERROR = "note message.field.default", "error message.field"


@pytest.mark.parametrize(
    ("message", "text", "found"),
    [
        ("Dear {first_name|friend},", "Dear Ana,", []),
        ("Dear {first_name},", "Dear Ana,", []),
        ("{company|your company} says", "your company says", [NOTE]),
        ("At {company | your company }.", "At your company.", [NOTE]),
        ("Dear {company|}, hello", "Dear, hello", [NOTE]),
        ("Dear {company|} hello", "Dear hello", [NOTE]),
        ("{company|} Hello", "Hello", [NOTE]),
        ("Hello {company|}", "Hello", [NOTE]),
        ("Hello {company|}\nyou", "Hello\nyou", [NOTE]),
        ("Hello\n{company|}\nyou", "Hello\nyou", [NOTE]),
        ("Hello {company|} {nick|}, you", "Hello, you", [NOTE, NOTE]),
        ("Hello ({company|} you)", "Hello (you)", [NOTE]),
        ("pre{company|}fix", "prefix", [NOTE]),
        ("Hi {nick|you}", "Hi you", [NOTE]),
        ("Hi {nick}", "Hi", [ERROR]),
        ("Hi {company}", "Hi", [ERROR]),
        ("Hi {frist_name|friend}", "Hi", [ERROR]),
        ("Hi {First Name|friend}", "Hi", [ERROR]),
        ("{company|}", "", [NOTE, "error message.empty"]),
        ("a } b {company|}", "a } b", [NOTE, "error message.braces"]),
        ("Hi {a|b|c}", "Hi b|c", [NOTE]),
    ],
)
def test_a_field_is_filled_replaced_or_refused(message: str, text: str, found: list[str]) -> None:
    said, codes = merged(message)
    assert codes == found
    assert said == text or ERROR in found


def test_a_note_names_the_field_and_no_value() -> None:
    (note,) = fields.merge(order("Hi {company|dear colleague}"))[1]
    assert note.level is Level.NOTE and "{company}" in note.message and "colleague" not in note.message


def test_a_misspelt_field_is_told_what_was_meant() -> None:
    (found,) = fields.merge(order("Hi {frist_name|friend}"))[1]
    assert found.remedy == "did you mean {first_name}?"


def test_a_key_of_metadata_that_looks_like_a_field_is_no_misspelling() -> None:
    assert merged("Hi {firstname|friend}", metadata={"firstname": "Bo"}) == ("Hi Bo", [])


@pytest.mark.parametrize(("metadata", "text"), [({}, "Dear Ana,"), ({"first_name": "Ana Maria"}, "Dear Ana Maria,")])
def test_a_stated_first_name_is_better_than_the_first_word_of_the_name(metadata: dict[str, str], text: str) -> None:
    assert merged("Dear {first_name},", metadata=metadata) == (text, [])


def test_a_message_without_empty_places_keeps_its_blanks() -> None:
    assert merged("One ,  two .\n\nAna {city} !")[0] == order("One ,  two .\n\nAna Reno !").message


@pytest.mark.parametrize(
    "text", ["{" * 4000, "{ " * 2000, "{" + " " * 3900 + "|" + " " * 90, "{a|" + " " * 3990, "{}" * 2000]
)
def test_a_hostile_text_takes_no_time(text: str) -> None:
    began = time.process_time()
    fields.tidied(fields.PLACE.sub(fields.EMPTY, text))
    fields.tidied((fields.EMPTY + " ") * 2000 + " " * 50_000 + "x" + fields.EMPTY)
    assert time.process_time() - began < 1


@given(st.text(st.sampled_from("ab ,.\n(){}|x"), min_size=1, max_size=40).filter(str.strip))
def test_no_brace_and_no_mark_of_ours_is_ever_left(message: str) -> None:
    asked = order(message)
    text, findings = fields.merge(asked)
    assert fields.EMPTY not in text
    if not any(finding.level is Level.ERROR for finding in findings):
        assert text.strip() and "{" not in text and "}" not in text
    if not findings:
        assert text == asked.message
