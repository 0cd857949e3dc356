"""API keys: made of chance alone, known by their checksum, never shown."""

from __future__ import annotations

import hashlib
import pickle
import re
import traceback
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardpipe.model.apikey import ENTROPY, PATTERN, SCOPES, granted, judge_scopes, masked, mint, read, redacted
from cardpipe.model.errors import Bug
from cardpipe.model.finding import Level

FIGURES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
CHANCE = bytes(range(ENTROPY))
KEY = mint("live", CHANCE)

chances = st.binary(min_size=ENTROPY, max_size=ENTROPY)
modes = st.sampled_from(["live", "test"])


def number(text: str) -> int:
    value = 0
    for figure in text:
        value = value * 62 + FIGURES.index(figure)
    return value


@given(modes, chances)
def test_a_key_holds_all_of_its_chance_and_reads_back(mode: str, chance: bytes) -> None:
    key = mint(mode, chance)
    match = re.fullmatch(r"cp_(live|test)_([0-9A-Za-z]{8})_([0-9A-Za-z]{43})([0-9A-Za-z]{6})", key.secret_text)
    assert match is not None and match.group(1) == mode and match.group(2) == key.id
    assert number(match.group(3)).to_bytes(32) == chance[8:]
    assert number(key.id) == int.from_bytes(chance[:8]) % 62**8
    assert number(match.group(4)) == zlib.crc32(key.secret_text[:-6].encode())
    assert key.digest == hashlib.sha256(key.secret_text.encode()).hexdigest()
    found = read(key.secret_text)
    assert found is not None and (found.mode, found.id) == (mode, key.id) and found.matches(key.digest)


def test_the_format_is_eternal() -> None:
    """Keys that were given out must read for ever: this text may never change."""
    assert KEY.secret_text == "cp_live_IYT0XLWR_1u8QmlquE1rQpeqoulx6MZVGVGgufeog3UsDEHmrG2p295jXZ"
    assert mint("test", bytes(ENTROPY)).secret_text.startswith("cp_test_00000000_" + "0" * 43)


@given(chances, st.data())
def test_one_wrong_character_is_seen(chance: bytes, data: st.DataObject) -> None:
    text = mint("live", chance).secret_text
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(FIGURES.replace(text[at], "")))
    assert read(text[:at] + other + text[at + 1 :]) is None


def test_a_live_key_is_not_a_test_key_with_another_word() -> None:
    assert read(KEY.secret_text) is not None
    assert read(KEY.secret_text.replace("live", "test")) is None


@pytest.mark.parametrize(
    "text",
    ["", "cp_live_", KEY.id, KEY.secret_text[:-1], KEY.secret_text + "0", KEY.secret_text + "\n", " " + KEY.secret_text,
     KEY.secret_text.upper(), KEY.secret_text.replace("_", "-"), "sk_live_" + KEY.secret_text[8:],
     KEY.secret_text.replace("0", "٠"), "é" * 66, "\ud800" * 66, "\0" * 66, "x" * 1_000_000],
)  # fmt: skip
def test_what_is_no_key_reads_as_none_and_raises_nothing(text: str) -> None:
    assert read(text) is None
    assert masked(text) == "…"


@given(st.text(max_size=80))
def test_no_text_raises(text: str) -> None:
    assert read(text) is None
    assert read(f"cp_live_{text}") is None


@pytest.mark.parametrize(("mode", "chance"), [("live", b""), ("live", CHANCE + b"\0"), ("Live", CHANCE), ("", CHANCE)])
def test_too_little_chance_is_a_bug_that_does_not_show_it(mode: str, chance: bytes) -> None:
    with pytest.raises(Bug) as caught:
        mint(mode, chance)
    said = "".join(traceback.format_exception_only(caught.value))
    assert repr(chance)[2:-1] not in said or not chance


def test_another_key_does_not_match() -> None:
    found = read(KEY.secret_text)
    assert found is not None
    assert not found.matches(mint("live", CHANCE[::-1]).digest) and not found.matches("") and not found.matches("é")


def test_nothing_that_is_printed_shows_a_key() -> None:
    secret = KEY.secret_text[17:]
    found = read(KEY.secret_text)
    for shown in (repr(KEY), str(KEY), repr(found), masked(KEY.secret_text), redacted(f"Bearer {KEY.secret_text}.")):
        assert secret not in shown and KEY.id in shown
        assert KEY.digest not in shown
    assert masked(KEY.secret_text) == f"cp_live_{KEY.id}_…"
    assert pickle.loads(pickle.dumps(KEY)) == KEY


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Authorization: Bearer {}", "Authorization: Bearer {}"),
        ("a={} b={}, c", "a={} b={}, c"),
        ('{{"key":"{}"}}', '{{"key":"{}"}}'),
        ("https://x.example/?key={}&y=1", "https://x.example/?key={}&y=1"),
        ("x{}", "x{}"),
    ],
)
def test_a_log_keeps_only_the_id(text: str, left: str) -> None:
    full, short = KEY.secret_text, masked(KEY.secret_text)
    assert redacted(text.format(full, full)) == left.format(short, short)


@pytest.mark.parametrize(
    "broken",
    [KEY.secret_text[:-1], KEY.secret_text[:30], KEY.secret_text + "_more", KEY.secret_text.upper(),
     KEY.secret_text.replace(KEY.id + "_", KEY.id), KEY.secret_text[:20] + "_" + KEY.secret_text[20:]],
)  # fmt: skip
def test_a_broken_key_is_kept_out_of_logs_as_well(broken: str) -> None:
    assert PATTERN.search(broken)
    assert redacted(f"got {broken}!") == f"got {broken[:8]}…!"


def test_what_was_redacted_stays_as_it_is() -> None:
    once = redacted(f"key {KEY.secret_text}, {KEY.secret_text[:40]}, cp_live_ and cp_test_short")
    assert redacted(once) == once and "cp_test_short" in once


def test_scopes_grant_what_they_say() -> None:
    assert len(SCOPES) == 9
    for needed in SCOPES:
        assert granted({needed}, needed) and granted({"admin"}, needed)
        assert not granted(set(), needed) and not granted(SCOPES - {needed, "admin"}, needed)
    assert not granted({"orders:write"}, "orders:read")
    assert not granted({"orders:*", "*", "ADMIN"}, "orders:read")
    with pytest.raises(Bug):
        granted({"admin"}, "orders:delete")


def test_the_scopes_of_a_new_key_are_judged_all_at_once() -> None:
    assert judge_scopes(SCOPES) == []
    found = judge_scopes(["orders:read", "order:write", KEY.secret_text], "--scope")
    assert [(f.level, f.code, f.where) for f in found] == [(Level.ERROR, "key.scopes.unknown", "--scope")] * 2
    assert found[0].remedy == "did you mean orders:write?"
    assert KEY.secret_text[17:] not in found[1].message
    (none,) = judge_scopes([])
    assert none.code == "key.scopes.none" and "orders:read" in none.remedy
