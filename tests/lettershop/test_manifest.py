"""Manifests: text stays text, formulas stay harmless, totals reconcile, bytes are always the same."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cardpipe.lettershop.manifest import (
    COLUMNS,
    Row,
    place,
    placed,
    read_back,
    read_json,
    reconcile,
    to_csv,
    to_json,
    totals,
)
from cardpipe.model.errors import Refused
from cardpipe.model.units import Box, mm


def row(seq: int, **parts: object) -> Row:
    base = Row(
        batch="20261121_CP_A7_B01_0003pc_v1", seq=seq, reference=f"crm-{seq}", match_code_card=f"CP10001{seq:06d}O",
        match_code_envelope=f"CP10001{seq:06d}E", design="fern", design_version="1", format="A7", stock="300gsm",
        envelope="A7", name="Łukasz Wiśniewski", company="", street="5 Elm St", street2="", city="Boston", state="MA",
        postcode="02139", country="US", card_file="CARD.pdf", card_page_first=2 * seq - 1, card_page_last=2 * seq,
        card_sheet=0, card_slot=0, card_code_page=2 * seq - 1, card_code_at="52.50,8.00,22.00,16.00", envelope_file="ENV.pdf",
        envelope_page=seq, envelope_label=0, envelope_code_at="3.00,3.00,22.00,12.00", postage="letter", inserts="", seed="",
        imb_tracking="", imb_routing="",
        imb_at="", presort_level="", tray="", bundle="", container="", reprint_of="", weight_g=19.7421, thickness_mm=0.94, sha256_card_fragment="a" * 64,
        sha256_envelope_fragment="b" * 64,
    )  # fmt: skip
    return replace(base, **parts)  # type: ignore[arg-type]


ROWS = [row(1), row(2, state="NY", postcode="10001"), row(3, country="DE", state="", postcode="01067")]


def cells(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8"), newline="")))


def test_every_cell_is_quoted_text_and_zeros_stay() -> None:
    data = to_csv(ROWS)
    assert b"\r" not in data and not data.startswith(b"\xef\xbb\xbf") and data.endswith(b'"\n')
    assert all(line.startswith(b'"') and line.count(b'","') == len(COLUMNS) - 1 for line in data.splitlines())
    assert b'"02139"' in data and "Łukasz Wiśniewski".encode() in data
    assert cells(data)[0] == list(COLUMNS)


def test_what_is_written_is_read_back() -> None:
    expected = [replace(one, weight_g=19.7) for one in ROWS]
    assert read_back(to_csv(ROWS)) == expected


HOSTILE = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "＝1", "＋1", "－1", "＠x", " =1", "'=1", "''=1",
           " '=1", "=cmd|' /C calc'!A0", "'plain", "O'Brien", "a,b", 'say "hi"', "−1"]  # fmt: skip


@given(st.text() | st.sampled_from(HOSTILE), st.text("='+-@ \t\r\n\"x＝", max_size=6))
@example("=1+1", "'=")
def test_no_cell_can_be_run_and_every_cell_survives(name: str, street: str) -> None:
    data = to_csv([row(1, name=name, street=street)])
    written = cells(data)[1]
    for cell in written:
        bare = cell.lstrip()
        assert not bare or bare[0] not in "=+-@＝＋－＠−"
        assert not cell or cell[0] not in "\t\r\n"
    back = read_back(data)[0]
    assert (back.name, back.street) == (name, street)


@pytest.mark.parametrize("hostile", HOSTILE[:12])
def test_formulas_are_defused_by_an_apostrophe(hostile: str) -> None:
    assert cells(to_csv([row(1, company=hostile)]))[1][COLUMNS.index("company")] == f"'{hostile}"


def test_totals() -> None:
    counted = totals(ROWS)
    assert (counted.pieces, counted.card_pages, counted.envelope_pages) == (3, 6, 3)
    assert (counted.seq_first, counted.seq_last, counted.seq_sum) == (1, 3, 6)
    assert counted.by_state == {"MA": 1, "NY": 1}
    assert counted.by_country == {"DE": 1, "US": 2} and counted.foreign == 1
    assert totals([]).pieces == 0


def test_json_is_canonical_with_its_totals() -> None:
    data = to_json(ROWS)
    body = json.loads(data)
    assert body["totals"]["pieces"] == len(body["pieces"]) == 3
    assert set(body["pieces"][0]) == set(COLUMNS)
    assert body["pieces"][0]["postcode"] == "02139"
    assert data == json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def test_csv_and_json_reconcile() -> None:
    assert reconcile(to_csv(ROWS), to_json(ROWS)) == []
    found = {finding.where for finding in reconcile(to_csv(ROWS[:2]), to_json(ROWS))}
    assert found == {
        "totals.pieces", "totals.card_pages", "totals.envelope_pages", "totals.seq_last", "totals.seq_sum",
        "totals.by_country", "totals.foreign",
    }  # fmt: skip
    doubled = [ROWS[0], replace(ROWS[1], seq=1), ROWS[2]]
    assert "manifest.sequence" in [f.code for f in reconcile(to_csv(doubled), to_json(doubled))]
    remade = ROWS[1:]
    assert [f.code for f in reconcile(to_csv(remade), to_json(remade))] == ["manifest.sequence"]
    assert reconcile(to_csv(remade), to_json(remade), whole=False) == []


def test_the_bytes_are_always_the_same() -> None:
    assert to_csv(ROWS) == to_csv(list(ROWS)) and to_json(ROWS) == to_json(tuple(ROWS))


@pytest.mark.parametrize(
    "bad", [b"", b'"a","b"\n', b"\xff\xfe", to_csv(ROWS) + b'"short"\n', to_csv(ROWS).replace(b'"2"', b'"two"', 1)]
)
def test_what_is_no_manifest_is_refused(bad: bytes) -> None:
    with pytest.raises(Refused) as caught:
        read_back(bad)
    assert caught.value.findings


def test_places_are_millimetres_and_come_back() -> None:
    box = Box(mm(52.5), mm(8), mm(22), mm(16))
    assert place(box) == "52.50,8.00,22.00,16.00"
    back = placed(place(box))
    assert all(abs(getattr(back, name) - getattr(box, name)) < mm(0.01) for name in ("x", "y", "width", "height"))
    for wrong in ("", "1,2,3", "a,b,c,d"):
        with pytest.raises(ValueError):
            placed(wrong)


def test_json_is_read_back_and_another_one_is_refused() -> None:
    rows, said = read_json(to_json(ROWS))
    assert rows == [replace(one, weight_g=19.7) for one in ROWS] and said["pieces"] == 3
    for wrong in (
        b"",
        b"{}",
        b"[]",
        to_json(ROWS).replace(b"manifest-2", b"manifest-1"),
        to_json(ROWS).replace(b'"seq"', b'"sq"'),
    ):
        with pytest.raises(Refused):
            read_json(wrong)


def test_pieces_that_share_a_sheet_share_its_pages() -> None:
    sheet = [row(n, card_page_first=1, card_page_last=2, card_sheet=1, card_slot=n) for n in (1, 2)]
    assert totals(sheet).card_pages == 2
