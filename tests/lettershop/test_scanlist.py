"""Lists from the shop floor: what a scanner types, what a camera logs, and every line that must stop the inserter."""

from __future__ import annotations

import pytest

from cardpipe.lettershop.scanlist import numbers, read
from cardpipe.model.batch import Batch, match_code
from cardpipe.model.errors import Refused
from cardpipe.model.order import Scope
from cardpipe.model.scan import Scan, Stage
from cardpipe.model.status import BatchState

BATCH = Batch("id", Scope(), 17, "2026-11-21", 1, "g", "A7", "us", "usps", BatchState.RELEASED, 1, 9)


def code(seq: int, role: str = "E", number: int = 17) -> str:
    return match_code(number, seq, role)


def codes(text: str, stage: Stage | None = Stage.INSERTED) -> list[str]:
    with pytest.raises(Refused) as caught:
        read(text.encode(), BATCH, stage)
    return [finding.code for finding in caught.value.findings]


def test_a_keyboard_wedge_types_one_code_a_line() -> None:
    text = f"{code(3)}\r\n{code(1).lower()}\r\n\r\n 2 \r\n"
    assert read(text.encode(), BATCH, Stage.INSERTED) == [Scan(n, Stage.INSERTED) for n in (3, 1, 2)]


def test_a_camera_logs_pairs_and_both_sides_are_one_sight() -> None:
    text = f"card,envelope\n{code(1, 'O')},{code(1)}\n{code(2, 'O')},{code(2)}\n"
    assert read(text.encode(), BATCH, Stage.INSERTED) == [Scan(1, Stage.INSERTED), Scan(2, Stage.INSERTED)]
    apart = "\n".join([code(1, "O"), code(2, "O"), code(2), code(1)])
    assert read(apart.encode(), BATCH, Stage.PRINTED) == [Scan(1, Stage.PRINTED), Scan(2, Stage.PRINTED)]


def test_the_same_side_seen_twice_is_two_sights() -> None:
    assert read(f"{code(4)}\n{code(4)}\n".encode(), BATCH, Stage.INSERTED) == [Scan(4, Stage.INSERTED)] * 2


def test_a_column_says_the_stage() -> None:
    text = f"code,stage\n{code(1)},printed\n{code(1)},inserted\n2,Spoiled\n"
    assert read(text.encode(), BATCH, None) == [
        Scan(1, Stage.PRINTED), Scan(1, Stage.INSERTED), Scan(2, Stage.SPOILED),
    ]  # fmt: skip


def test_a_strangers_pair_and_another_batch_stop() -> None:
    assert codes(f"card,envelope\n{code(1, 'O')},{code(2)}\n") == ["scan.pair_disagrees"]
    assert codes(f"{code(1)}\n{code(1, number=18)}\n") == ["scan.other_batch"]


def test_all_that_is_wrong_is_said_at_once() -> None:
    assert codes(f"hello\n{code(1)}\nCP1\n{code(2, number=3)}") == [
        "scan.unreadable",
        "scan.unreadable",
        "scan.other_batch",
    ]
    assert codes("1\n2", None) == ["scan.stage", "scan.stage"]
    assert codes("code,stage\n1,eaten\n") == ["scan.stage"]
    assert codes("") == ["scan.empty"] and codes("code,stage\n") == ["scan.empty"]
    assert codes("card,envelope\n1,1\n ,\n") == ["scan.unreadable"]


def test_what_is_no_text_is_refused() -> None:
    for data in (b"\xff\xfe\x00", b'"broken', b"\x00"):
        with pytest.raises(Refused):
            read(data, BATCH, Stage.PRINTED)


def test_numbers_and_ranges() -> None:
    assert numbers("17 42-45") == [17, 42, 43, 44, 45] == numbers("42-45,17, 17")
    for wrong in ("x", "5-3", "0", "1-", "-4", "1-2-3", "²", "1-9999999"):
        with pytest.raises(Refused):
            numbers(wrong)
