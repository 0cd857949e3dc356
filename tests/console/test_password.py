"""Passwords: hashed as is recommended, compared in a time that tells nothing, judged by length and not by make."""

from __future__ import annotations

import threading
import time

import pytest
from argon2 import extract_parameters

from cardpipe.console import password

GOOD = "four unlikely words höre"


def codes(text: str, name: str = "anna") -> list[str]:
    return [finding.code for finding in password.judge(text, name)]


def test_what_is_stored_is_argon2id_with_a_salt() -> None:
    first, second = password.hash(GOOD), password.hash(GOOD)
    assert first != second and GOOD not in first
    told = extract_parameters(first)
    assert told.type.name == "ID" and told.memory_cost >= 64 * 1024 and told.time_cost >= 3 and told.salt_len >= 16
    assert password.matches(first, GOOD) and password.matches(second, GOOD)


@pytest.mark.parametrize("wrong", ["", "four unlikely words hore", GOOD.upper(), GOOD + " ", GOOD[:-1], "\udc80" * 12])
def test_another_password_is_another(wrong: str) -> None:
    digest = password.hash(GOOD)
    assert not password.matches(digest, wrong)


def test_one_password_on_two_keyboards() -> None:
    composed, decomposed = "h\u00f6re zu mein freund", "ho\u0308re zu mein freund"
    assert composed != decomposed and password.matches(password.hash(composed), decomposed)


def test_nobodys_password_matches_nothing() -> None:
    for text in ("", GOOD, "x"):
        assert not password.matches("", text)
    for damaged in ("plain", "$argon2id$v=19$m=65536,t=3,p=4$", "$argon2id$nonsense$c2FsdA$aGFzaA"):
        assert not password.matches(damaged, GOOD)


def test_it_takes_as_long_to_say_that_nobody_has_this_name() -> None:
    digest = password.hash(GOOD)
    password.matches("", GOOD)

    def best(stored: str) -> float:
        took = []
        for _ in range(4):
            began = time.process_time()
            password.matches(stored, "wrong")
            took.append(time.process_time() - began)
        return min(took)

    known, unknown = best(digest), best("")
    assert known > 0.01 and 0.5 < known / unknown < 2


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (GOOD, []),
        ("aB3$" * 3, ["password.plain"]),
        ("eleven char", ["password.short"]),
        ("", ["password.short"]),
        ("anna", ["password.short", "password.name"]),
        ("Anna-Anna-2026!", ["password.name"]),
        ("anna likes cards", []),
        ("aaaaaaaaaaaa", ["password.plain"]),
        ("x1y2z3w4" * 200, ["password.long"]),
        ("0123456789ab", []),
    ],
)
def test_a_new_password_is_judged(text: str, found: list[str]) -> None:
    assert codes(text) == found
    if len(text) > 5:
        assert text not in str(password.judge(text, "anna"))


def test_one_that_is_made_is_good_and_another_each_time() -> None:
    made = {password.make() for _ in range(100)}
    assert len(made) == 100 and all(len(text) == 23 and codes(text) == [] for text in made)
    assert not any(letter in "01lio" for text in made for letter in text)


def test_many_at_once_are_all_answered() -> None:
    digest, seen = password.hash(GOOD), []
    texts = [GOOD, "wrong"] * 4
    threads = [threading.Thread(target=lambda t=text: seen.append((t, password.matches(digest, t)))) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == sorted((text, text == GOOD) for text in texts)
