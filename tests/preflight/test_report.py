"""Profiles and reports: what a press may loosen, what is counted, and texts that never change."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from goodfile import PAGE, PROFILE, broken, look, make, saved
from pikepdf import Pdf, Stream

from cardpipe.model.finding import Level
from cardpipe.model.units import Size
from cardpipe.preflight.catalogue import CHECKS
from cardpipe.preflight.check import check
from cardpipe.preflight.codes import CODES
from cardpipe.preflight.profile import Loosened, Profile
from cardpipe.preflight.report import span
from cardpipe.prepress.press import LoosenedCheck, Press

REASON = "the press's RIP thickens lines itself (test of 2026-11-02)"


def hairline(pdf: Pdf) -> None:
    for page in pdf.pages:
        page.obj.Contents = pdf.make_indirect(Stream(pdf, PAGE % 1 + b"0.1 w 9 9 m 99 9 l S"))


def test_equal_findings_on_many_pages_are_one() -> None:
    (finding,) = look(broken(hairline)).findings
    assert finding.where == "pages 1-4"
    assert finding.message == "a line is 0.1 pt wide; 0.25 pt are the least"
    run = next(run for run in look(broken(hairline)).runs if run.code == "ink.hairline")
    assert (run.subjects, run.found, run.state) == (8, 4, "4 found")


@pytest.mark.parametrize(("level", "ok"), [(Level.WARNING, True), (Level.NOTE, True), (None, True)])
def test_a_loosened_check_carries_its_reason(level: Level | None, ok: bool) -> None:
    profile = replace(PROFILE, loosened={"ink.hairline": Loosened(level, REASON)})
    report = look(broken(hairline), profile)
    assert report.ok is ok
    assert [finding.level for finding in report.findings] == ([level] if level else [])
    run = next(run for run in report.runs if run.code == "ink.hairline")
    assert run.loosened == REASON and REASON in report.to_text()
    assert (run.level, run.state) == ((str(level), "4 found") if level else ("off", "switched off"))


def test_no_press_loosens_without_reason_or_what_is_firm_or_unknown() -> None:
    with pytest.raises(ValueError, match="written reason"):
        Loosened(None, "  ok ")
    for code in ("pdf.damaged", "pdf.excess", "pdf.encrypted", "content.missing", "ink.hariline"):
        with pytest.raises(ValueError, match=code):
            replace(PROFILE, loosened={code: Loosened(None, REASON)})


def test_a_profile_from_data() -> None:
    profile = Profile.from_data(
        {
            "name": "p",
            "trim": ["5in", "7in"],
            "bleed": "0.125in",
            "hairline": "0.1mm",
            "spots": ["Gold"],
            "loosened": {"ink.hairline": {"level": "off", "reason": REASON}},
        }
    )
    assert profile.trim == Size(360, 504) and profile.bleed == 9
    assert profile.hairline == pytest.approx(0.2835, abs=1e-4)
    assert profile.loosened["ink.hairline"] == Loosened(None, REASON)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"bled": "3mm"}, "unknown preflight keys bled"),
        ({"bleed": 3}, "not a length"),
        ({"standard": "X-3"}, "X-3"),
        ({"pages_per_piece": 0}, "a piece has pages"),
        ({"loosened": {"ink.hariline": {"level": "off", "reason": REASON}}}, "unknown checks: ink.hariline"),
        ({"loosened": {"pdf.damaged": {"level": "off", "reason": REASON}}}, "no press may loosen: pdf.damaged"),
        ({"ppi_error": 400}, "below"),
        ({"max_ink": 500}, "max_ink"),
        ({"loosened": {"ink.total": {"level": "off"}}}, "ink.total needs exactly"),
        ({"loosened": {"ink.total": {"level": "off", "reason": "x"}}}, "ink.total: a loosened"),
        ({"loosened": {"ink.total": {"level": "error", "reason": REASON}}}, "'error'"),
    ],
)
def test_a_profile_that_cannot_be(data: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Profile.from_data(data)


def test_the_report_is_canonical() -> None:
    data = broken(hairline)
    one, two = look(data).to_json(), look(data).to_json()
    assert one == two
    read = json.loads(one)
    assert read["ok"] is False and read["complete"] is True and read["format"] == 1
    assert read["findings"][0]["code"] == "ink.hairline" and read["findings"][0]["remedy"]
    assert len(read["runs"]) == len([one for one in CHECKS if one.only != "X-1a"]) and read["facts"]["trims"] == [
        [360.0, 504.0]
    ]
    assert list(read) == sorted(read)


def test_the_report_as_text() -> None:
    text = look(broken(hairline)).to_text()
    assert text.startswith("Preflight FAILED\n1 errors, 0 warnings")
    assert "nothing to look at" in text and "pages 1-4" in text
    assert look(saved(make())).to_text().startswith("Preflight PASSED")


def test_page_numbers_as_people_write_them() -> None:
    assert span([3]) == "page 3"
    assert span([4, 1, 2, 3, 7, 7]) == "pages 1-4, 7"
    assert span(list(range(1, 41, 2))).endswith("15 and more (20 in all)")


def test_thousands_of_findings_are_counted_and_not_listed() -> None:
    def spoil(pdf: Pdf) -> None:
        lines = b"".join(b"0.%03d w 9 9 m 99 9 l S " % width for width in range(1, 201))
        pdf.pages[0].obj.Contents = pdf.make_indirect(Stream(pdf, PAGE % 1 + lines))

    report = look(broken(spoil))
    assert len(report.findings) == 41
    assert "160 more" in report.findings[-1].message
    assert next(run.found for run in report.runs if run.code == "ink.hairline") == 200


def test_every_check_has_an_eternal_id_a_rationale_and_a_remedy() -> None:
    codes = [one.code for one in CHECKS]
    assert len(codes) > 50 and len(set(codes)) == len(codes)
    assert all(len(one.rationale) > 20 and one.remedy and one.clause for one in CHECKS)
    with pytest.raises(ValueError, match="rationale"):
        check("page.trim", "page", "house", "none")(lambda subject, view: ())
    with pytest.raises(ValueError, match="no subject"):
        check("page.trim", "plate", "house", "none")
    with pytest.raises(ValueError, match=r"x\.y is not among the ids"):
        check("x.y", "page", "house", "none")
    assert set(codes) == CODES


def test_a_press_s_profile_has_its_standard_its_limits_and_what_it_loosens() -> None:
    press = Press(
        name="old-plant", title="t", output="X-1a", condition="c", condition_info="c", profile="p.icc",
        pieces_per_file=1, bytes_per_file=1, photo_ppi=254, photo_minimum_ppi=200, max_ink=280,
        loosened={"ink.hairline": LoosenedCheck(level="note", reason=REASON)},
    )  # fmt: skip
    size = Size(360, 504)
    profile = Profile.for_press(press, trim=size, bleed=9, pages_per_piece=None, imposed=True)
    assert (profile.name, profile.standard, profile.trim, profile.bleed) == ("old-plant", "X-1a", size, 9)
    assert (profile.ppi_error, profile.ppi_warning, profile.max_ink) == (200, 254, 280)
    assert profile.imposed and profile.records is None and profile.pages_per_piece is None
    assert profile.loosened == {"ink.hairline": Loosened(Level.NOTE, REASON)}
    for code, said in (("ink.hariline", "ink.hariline"), ("pdf.excess", "no press may loosen")):
        bad = press.model_copy(update={"loosened": {code: LoosenedCheck(level="off", reason=REASON)}})
        with pytest.raises(ValueError, match=said):
            Profile.for_press(bad, trim=None, bleed=0, pages_per_piece=1)
    with pytest.raises(ValueError, match="records stand on PDF/X-4"):
        Profile.for_press(press, trim=None, bleed=0, pages_per_piece=1, records=True)
