"""A good file passes; then one thing is broken, and exactly one code comes of it."""

from __future__ import annotations

import zlib
from dataclasses import replace

import pikepdf
import pytest
from brokencases import CASES
from goodfile import PROFILE, XMP, broken, look, make, saved, srgb
from pikepdf import Array, Dictionary, Name, Pdf, Stream
from spoiling import content

from cardpipe.model.finding import Level
from cardpipe.model.units import Size
from cardpipe.preflight.catalogue import BY_CODE


def test_the_good_file_has_no_finding_and_every_kind_of_check_looked_at_something() -> None:
    report = look(saved(make()))
    assert report.findings == ()
    assert report.ok and report.complete
    idle = {run.code for run in report.runs if not run.subjects}
    assert {code for code in idle if not code.startswith("vt.")} == {
        "page.annotation",
        "page.annotation.action",
        "colour.spot",
        "colour.spot.twins",
        "colour.registration",
        "ink.white_overprint",
    }
    assert report.facts.pages == 4
    assert report.facts.lowest_ppi == 300
    assert report.facts.highest_ink == 200


@pytest.mark.parametrize("name", CASES)
def test_one_thing_broken_gives_one_code(name: str) -> None:
    code, level, spoil = CASES[name]
    report = look(broken(spoil))
    assert {(finding.code, finding.level) for finding in report.findings} == {(code, level)}, report.findings
    assert report.ok is (level is not Level.ERROR)
    assert all(finding.message and finding.remedy for finding in report.findings)


def bytewise() -> dict[str, tuple[str, bytes]]:
    good = saved(make())
    head, _, tail = good.rpartition(b"/ID [")
    after = tail.partition(b"]")[2]
    return {
        "header": ("pdf.version", good.replace(b"%PDF-1.6", b"%PDF-1.7", 1)),
        "no ID": ("pdf.id", head + b" " * (len(good) - len(head) - len(after)) + after),
        "bytes behind the end": ("pdf.eof", good + b"\n<html>"),
    }


@pytest.mark.parametrize("name", ["header", "no ID", "bytes behind the end"])
def test_broken_bytes_of_the_container(name: str) -> None:
    code, data = bytewise()[name]
    assert look(data).codes() == (code,)


def test_encryption_with_an_empty_and_with_a_real_password() -> None:
    empty = look(saved(make(), encryption=pikepdf.Encryption(owner="x", user=""), force_version=None))
    assert {"pdf.encrypted", "pdf.version"} <= set(empty.codes()) and empty.facts.pages == 4
    locked = look(saved(make(), encryption=pikepdf.Encryption(owner="x", user="y"), force_version=None))
    assert locked.codes() == ("pdf.encrypted",) and not locked.complete


def test_a_compressed_packet() -> None:
    """The library unpacks it when it saves, so the bytes are patched: the filter says so, the data are deflated."""
    packed = zlib.compress(XMP.encode(), 9)
    pdf = make()
    marker = b"@" * len(packed)
    pdf.Root.Metadata = pdf.make_indirect(Stream(pdf, marker, Type=Name.Metadata, Filler=Name.Something__))
    data = saved(pdf).replace(marker, packed).replace(b"/Filler /Something__", b"/Filter /FlateDecode")
    assert look(data).codes() == ("xmp.filtered",)


def test_the_expected_size_and_the_count_come_from_outside() -> None:
    good = saved(make())
    assert look(good, replace(PROFILE, trim=Size(504, 360))).codes() == ("page.size.wrong",)
    assert look(good, PROFILE, pieces=3).codes() == ("page.count",)
    free = replace(PROFILE, trim=None)
    mixed = look(broken(lambda pdf: pdf.pages[2].obj.__setitem__("/TrimBox", Array([9, 9, 369, 510]))), free)
    assert mixed.codes() == ("page.size.mixed",)
    assert [finding.where for finding in mixed.findings] == ["page 3"]
    unknown = look(good, free, pieces=None)
    idle = {run.code for run in unknown.runs if run.state == "nothing to look at"}
    assert {"page.size.wrong", "page.count"} <= idle


def test_every_check_is_broken_by_some_case() -> None:
    tried = {code for code, _, _ in CASES.values()} | {code for code, _ in bytewise().values()}
    tried |= {"pdf.encrypted", "xmp.filtered", "page.size.wrong", "page.size.mixed"}
    ours = {code for code in BY_CODE if not code.startswith(("vt.", "x1a."))} - {"colour.registration"}
    assert len(ours) > 50
    assert ours - tried == set()  # the others: test_twins


def test_default_rgb_makes_device_rgb_a_tagged_colour() -> None:
    def spoil(pdf: Pdf) -> None:
        profile = pdf.make_indirect(Stream(pdf, srgb(), N=3))
        held = content(
            b"1 0 0 rg 50 50 9 9 re f", ColorSpace=lambda _: Dictionary(DefaultRGB=Array([Name.ICCBased, profile]))
        )
        held(pdf)

    assert look(broken(spoil)).findings == ()
