"""Scans: what contradicts what, said at once; codes read back; numbers as a person writes them."""

from __future__ import annotations

import pytest

from cardpipe.model.batch import match_code
from cardpipe.model.scan import Scan, Stage, Tally, after, judge, read_code, spoken

P, I, S, M, R = Stage.PRINTED, Stage.INSERTED, Stage.SPOILED, Stage.MAILED, Stage.RETURNED  # noqa: E741
KNOWN = frozenset({1, 2, 3})


def _codes(last: Stage | None, *new: Stage, remade: bool = False, unmade: bool = False) -> list[str]:
    scans = [Scan(1, stage) for stage in new]
    one, none = frozenset({1}), frozenset[int]()
    found = judge({1: last} if last else {}, scans, KNOWN, one if remade else none, one if unmade else none)
    assert all(finding.where == "piece 1" and finding.remedy for finding in found)
    return [finding.code for finding in found]


@pytest.mark.parametrize(
    ("last", "new"),
    [
        (None, [P]), (None, [I]), (None, [S]), (None, [M]), (None, [P, I, M, R]), (P, [P]), (P, [I, M]), (I, [M]),
        (I, [S, I]), (I, [P]), (S, [S]), (S, [P, M]), (S, [I, M]), (M, [M]), (M, [R]), (R, [R]),
    ],
)  # fmt: skip
def test_what_may_be_seen(last: Stage | None, new: list[Stage]) -> None:
    assert _codes(last, *new) == []


@pytest.mark.parametrize(
    ("last", "new", "code"),
    [
        (I, [I], "scan.inserted_twice"),
        (None, [I, I], "scan.inserted_twice"),
        (I, [P, I], "scan.inserted_twice"),  # a late press list hides nothing
        (M, [P], "scan.after_mailing"),
        (M, [I], "scan.after_mailing"),
        (M, [S], "scan.after_mailing"),
        (R, [M], "scan.after_mailing"),
        (R, [I], "scan.after_mailing"),
        (None, [M, I], "scan.after_mailing"),
        (None, [R], "scan.returned_early"),
        (I, [R], "scan.returned_early"),
        (S, [R], "scan.returned_early"),
        (S, [M], "scan.spoiled_not_remade"),
        (None, [S, M], "scan.spoiled_not_remade"),
    ],
)
def test_what_contradicts(last: Stage | None, new: list[Stage], code: str) -> None:
    assert _codes(last, *new) == [code]


def test_a_spoiled_piece_is_mailed_once_it_was_made_again_and_not_if_that_was_spoiled_too() -> None:
    assert _codes(S, M, remade=True) == []
    assert _codes(S, S, M, remade=True) == ["scan.spoiled_not_remade"]
    assert _codes(S, I, M, remade=True) == []


def test_what_waits_for_a_remake_cannot_be_in_the_mail() -> None:
    assert _codes(S, I, M) == []
    assert _codes(S, I, M, unmade=True) == ["scan.spoiled_not_remade"]


def test_all_that_contradicts_is_said_at_once() -> None:
    scans = [Scan(9, P), Scan(1, I), Scan(2, I), Scan(3, R), Scan(0, M)]
    found = judge({1: I}, scans, KNOWN)
    assert [(finding.code, finding.where) for finding in found] == [
        ("scan.unknown", "piece 9"),
        ("scan.inserted_twice", "piece 1"),
        ("scan.returned_early", "piece 3"),
        ("scan.unknown", "piece 0"),
    ]


def test_the_newest_stage() -> None:
    assert after(None, P) is P
    assert after(I, P) is I
    assert after(I, S) is S
    assert after(S, P) is P
    assert after(M, R) is R


@pytest.mark.parametrize(
    ("numbers", "said"),
    [((), ""), ((5,), "5"), ((3, 1, 2), "1-3"), ((1, 2, 4, 6, 7, 7), "1-2, 4, 6-7")],
)
def test_numbers_as_a_person_writes_them(numbers: tuple[int, ...], said: str) -> None:
    assert spoken(numbers) == said


@pytest.mark.parametrize("role", "OIE")
def test_codes_are_read_back(role: str) -> None:
    assert read_code(match_code(36, 212, role)) == ("0010", 212, role)
    assert read_code(f"  {match_code(36, 212, role).lower()}\n") == ("0010", 212, role)


@pytest.mark.parametrize("text", ["", "CP1", "CP10010000212X", "CP2001000021O", "CP10010000212OO", "XCP10010000212O"])
def test_other_texts_are_no_codes(text: str) -> None:
    assert read_code(text) is None


def test_a_tally_as_data() -> None:
    tally = Tally(5, 4, 1, 4, 3, 1, 1, 3, 0, (2,))
    data = tally.as_dict()
    assert data["missing"] == [2]
    assert (data["gathered"], data["withdrawn"], data["mailed"]) == (5, 1, 3)
    assert set(data) == set(Tally.__slots__)
