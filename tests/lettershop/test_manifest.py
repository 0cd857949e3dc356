"""Manifests: text stays text, formulas stay harmless, totals reconcile, bytes are always the same."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cardpipe.lettershop.manifest import COLUMNS, Row, read_back, reconcile, to_csv, to_json, totals
from cardpipe.model.errors import Refused


def row(seq: int, **parts: object) -> Row:
    base = Row(
        batch="20261121_CP_A7_B01_0003pc_v1", seq=seq, reference=f"crm-{seq}", match_code_card=f"CP10001{seq:06d}O",
        match_code_envelope=f"CP10001{seq:06d}E", design="fern", design_version="1", format="A7", stock="300gsm",
        envelope="A7", name="Łukasz Wiśniewski", company="", street="5 Elm St", street2="", city="Boston", state="MA",
        postcode="02139", country="US", card_file="CARD.pdf", card_page_first=2 * seq - 1, card_page_last=2 * seq,
        envelope_file="ENV.pdf", envelope_page=seq, weight_g=19.7421, thickness_mm=0.94, sha256_card_fragment="a" * 64,
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


def test_there_is_no_column_that_nobody_fills() -> None:
    assert not {"imb_tracking", "tray_no", "indicia", "presort_level"} & set(COLUMNS)
    assert len(COLUMNS) == 27
