"""Presort by the house: the list that goes out, and every way in which what comes back may be wrong."""

from __future__ import annotations

import csv
import io

import pytest

from cardpipe.lettershop.handover import COLUMNS, Record, read_return, to_csv
from cardpipe.model.address import Address
from cardpipe.model.errors import Refused
from cardpipe.model.piece import Presorted

RECORDS = ["pce_a", "pce_b", "pce_c"]
TRACKING = "01234567094987654321"


def back(*rows: str, head: str = "record,sequence") -> bytes:
    return "\n".join([head, *rows]).encode()


def wrong(data: bytes) -> list[str]:
    with pytest.raises(Refused) as caught:
        read_return(data, RECORDS)
    return [finding.code for finding in caught.value.findings]


def test_the_list_is_text_that_a_spreadsheet_leaves_alone() -> None:
    address = Address(name="=SUM(A1)", street="5 Elm St", city="Boston", state="MA", postcode="02139-0001")
    (head, row) = list(csv.reader(io.StringIO(to_csv([Record("pce_a", address, 19.74, 0.938)]).decode())))
    assert tuple(head) == COLUMNS
    assert row == ["pce_a", "'=SUM(A1)", "", "5 Elm St", "", "Boston", "MA", "02139-0001", "19.7", "0.94"]
    assert b'"02139-0001"' in to_csv([Record("pce_a", address, 1, 1)])


def test_the_order_comes_back_with_bars_and_trays() -> None:
    data = back(
        f"pce_c,1,{TRACKING},01234,5-DIGIT,T1,B1,EMM1,ignored", f"pce_a,20,{TRACKING[:-1]}2,,AADC,T1,B2,EMM1,",
        "pce_b,3,,,,,,,", head="record,sequence,imb_tracking,imb_routing,level,tray,bundle,container,carrier_route",
    )  # fmt: skip
    assert read_return(data, RECORDS) == [
        ("pce_c", Presorted(TRACKING, "01234", "5-DIGIT", "T1", "B1", "EMM1")),
        ("pce_b", Presorted()),
        ("pce_a", Presorted(TRACKING[:-1] + "2", "", "AADC", "T1", "B2", "EMM1")),
    ]


def test_one_column_may_hold_all_figures() -> None:
    data = back(f"pce_a,1,{TRACKING}01234567891", "pce_b,2,", "pce_c,3,", head="\ufeffRecord, SEQUENCE,IMB")
    assert read_return(data, RECORDS)[0] == ("pce_a", Presorted(TRACKING, "01234567891"))


def test_another_set_of_records_is_refused_with_their_names() -> None:
    assert wrong(back("pce_a,1", "pce_b,2")) == ["presort.records.missing"]
    assert wrong(back("pce_a,1", "pce_b,2", "pce_c,3", "pce_x,4")) == ["presort.records.unknown"]
    assert wrong(back("pce_a,1", "pce_b,2", "pce_b,3", "pce_c,4")) == ["presort.records.doubled"]
    assert wrong(back("pce_a,1", "pce_a,2", "pce_x,3")) == [
        "presort.records.missing", "presort.records.unknown", "presort.records.doubled",
    ]  # fmt: skip
    with pytest.raises(Refused) as caught:
        read_return(back("pce_b,1", "pce_c,2"), RECORDS)
    assert "pce_a" in caught.value.findings[0].message


def test_all_that_is_wrong_in_the_rows_is_said_at_once() -> None:
    head = "record,sequence,imb,tray"
    found = wrong(back("pce_a,x,,", "pce_b,0,,", f"pce_c,1,05{TRACKING[2:]},", head=head))
    assert found[:2] == ["presort.sequence", "presort.sequence"] and "imb.barcode_id" in found
    assert wrong(back("pce_a,1", "pce_b,1", "pce_c,2")) == ["presort.sequence.doubled"]
    assert wrong(back(f"pce_a,1,{TRACKING},", f"pce_b,2,{TRACKING},", "pce_c,3,,", head=head)) == [
        "presort.imb.doubled"
    ]
    assert wrong(back("pce_a,1,," + "t" * 41, "pce_b,2,,", "pce_c,3,,", head=head)) == ["presort.text"]
    both = back(f"pce_a,1,{TRACKING},{TRACKING}", "pce_b,2,,", "pce_c,3,,", head="record,sequence,imb,imb_tracking")
    assert wrong(both) == ["presort.imb.both"]


@pytest.mark.parametrize(
    "data", [b"", b"record\npce_a", b"\xff\xfe", b"record,sequence\n", b"record,sequence,record\na,1,b",
             b"record,sequence\npce_a,1,more", b'record,sequence\n"pce_a']
)  # fmt: skip
def test_what_is_no_return_file_is_refused(data: bytes) -> None:
    assert wrong(data)
