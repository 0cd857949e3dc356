"""What an operator does when something is wrong: hold, look, resume."""

from __future__ import annotations

from pathlib import Path

from running import DAY, Cardpipe, order, write


def test_a_held_order_stays_out_until_it_is_resumed(cardpipe: Cardpipe, tmp_path: Path) -> None:
    cardpipe("order", "submit", write(tmp_path / "o.ndjson", order(1), order(2)), "--mail-on", DAY)
    assert cardpipe("order", "hold", "R-0001", "--reason", "the address is being asked for").code == 0
    first = cardpipe("batch", "close", "--mail-on", DAY, "--json").data["batches"]
    assert [b["pieces"] for b in first] == [1]
    shown = cardpipe("order", "show", "R-0001", "--json").data
    assert shown["held"] == "the address is being asked for" and shown["pieces"][0]["batch"] is None
    assert cardpipe("order", "resume", "R-0001", "--reason", "it is right").code == 0
    second = cardpipe("batch", "close", "--mail-on", DAY, "--json").data["batches"]
    assert [(b["pieces"], b["name"][-13:]) for b in second] == [(1, "B02_0001pc_v1")]


def test_print_does_not_wait_for_what_is_held(cardpipe: Cardpipe, tmp_path: Path) -> None:
    file = write(tmp_path / "o.ndjson", order(1), order(2))
    cardpipe("order", "submit", file, "--mail-on", DAY)
    cardpipe("order", "hold", "R-0001", "--reason", "asking for the address")
    ran = cardpipe("print", file, "--out", tmp_path / "out", "--mail-on", DAY, "--json")
    assert ran.code == 0 and ran.data["held"] == ["R-0001"]
    assert [b["pieces"] for b in ran.data["batches"]] == [1]


def test_who_closes_a_day_is_told_why_it_has_several_batches(cardpipe: Cardpipe, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "presses.toml").write_text(
        '[small]\nbased_on = "digital-coated"\ntitle = "Small"\npieces_per_batch = 2\n'
    )
    given = {"CARDPIPE_SHOP": str(tmp_path / "shop"), "CARDPIPE_PRESS": "small"}
    file = write(tmp_path / "o.ndjson", order(1), order(2), order(3))
    assert cardpipe("order", "submit", file, "--mail-on", DAY, **given).code == 0
    lines = cardpipe("batch", "close", "--mail-on", DAY, **given).out.splitlines()
    assert [line.split()[0] for line in lines] == ["2", "1"]
    for part, line in enumerate(lines, 1):
        assert line.endswith(f"  part {part} of 2: more than the press takes in one batch")
