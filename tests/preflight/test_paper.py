"""The report on paper: always one page, with the verdict, what was looked at, what was found and what was loosened."""

from __future__ import annotations

import io
from dataclasses import replace

import pypdf
import pytest
from goodfile import PROFILE, ROOT, broken, look, make, saved
from spoiling import content, put, unembedded

from cardpipe.model.finding import Finding, Level
from cardpipe.preflight.paper import to_pdf
from cardpipe.preflight.profile import Loosened
from cardpipe.preflight.report import Report

FONT = (ROOT / "fonts/arimo/Arimo-Regular.ttf").read_bytes()
BATCH = "20261121_CP_A7_B01_0212pc_v1"
REASON = "the press's RIP thickens lines itself (test of 2026-11-02)"


def words(data: bytes) -> str:
    (page,) = pypdf.PdfReader(io.BytesIO(data)).pages
    return " ".join(page.extract_text().split())


@pytest.fixture(scope="module")
def good() -> Report:
    return look(saved(make()))


@pytest.fixture(scope="module")
def bad() -> Report:
    many = b"".join(b"0.%03d w 9 9 m 99 9 l S " % width for width in range(1, 90))
    data = broken(lambda pdf: (content(many + b"1 0 0 rg", Font=unembedded)(pdf), put(TrimBox=None)(pdf)))
    return look(data, replace(PROFILE, loosened={"colour.rgb": Loosened(Level.WARNING, REASON)}))


def test_what_passed(good: Report) -> None:
    text = words(to_pdf({f"{BATCH}_CARD.pdf": good, f"{BATCH}_ENV.pdf": good}, BATCH, FONT))
    for part in (
        BATCH, "PASSED", "0 errors, 0 warnings, 0 notes", "2 files, 8 pages, press test press", "PDF/X-4, CGATS TR 006",
        "CARD.pdf", "ENV.pdf", "200 %", "None.", "Fonts", "no certified validator was asked",
    ):  # fmt: skip
        assert part in text, part


def test_what_failed_stands_first_and_says_why(good: Report, bad: Report) -> None:
    text = words(to_pdf({f"{BATCH}_CARD.pdf": good, f"{BATCH}_ENV.pdf": bad}, BATCH, FONT))
    assert "FAILED" in text and "PASSED means" in text
    assert text.index("ENV.pdf") < text.index("CARD.pdf")
    assert "[page.trim]" in text and "Helvetica (Type1) is referred to and not embedded" in text
    assert f"colour.rgb: {REASON}" in text and "more findings, in the JSON report" in text


def test_equal_findings_of_many_files_stand_once(bad: Report) -> None:
    text = words(to_pdf({f"{BATCH}_CARD_P{n:02d}of40.pdf": bad for n in range(1, 41)}, BATCH, FONT))
    assert "CARD_P01of40.pdf and 39 other files, page 1" in text
    assert text.count("[page.trim]") == 1 and "more files, in the JSON report" in text


@pytest.mark.parametrize("files", [0, 1, 2, 7, 60])
def test_always_one_page(files: int, good: Report, bad: Report) -> None:
    long = "Donaudampfschifffahrtsgesellschaft " * 30
    worst = replace(
        bad,
        profile=long,
        facts=replace(bad.facts, condition=long, standard=long),
        findings=tuple(Finding(level, "ink.total", long, long, long) for level in Level for _ in range(50)),
        runs=tuple(replace(run, loosened=long) for run in bad.runs),
        complete=False,
    )
    for report in (good, bad, worst):
        data = to_pdf({f"{long}{number}": report for number in range(files)}, long, FONT)
        assert len(pypdf.PdfReader(io.BytesIO(data)).pages) == 1
    assert "UNREAD" in words(data) or not files


def test_the_same_report_gives_the_same_bytes(bad: Report) -> None:
    assert to_pdf({"a.pdf": bad}, "a", FONT) == to_pdf({"a.pdf": bad}, "a", FONT)
