"""``cardpipe preflight``: judged by what the file claims, on screen, as JSON and as a page; and with which exit code."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pypdf
import pytest
from goodfile import broken, make, saved
from goodtwins import as_x1a, saved_x1a, with_records
from pikepdf import Pdf
from spoiling import content

from cardpipe.cli import inspect as command
from cardpipe.model.errors import Refused
from cardpipe.settings import Settings
from cardpipe.wiring import Shop


@pytest.fixture(autouse=True)
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop(Settings(data=tmp_path / "data"))
    monkeypatch.setattr(command, "shop", lambda: shop)


def told(data: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, object]]:
    """Exit code and JSON."""
    path = tmp_path / "some.pdf"
    path.write_bytes(data)
    code: int | str | None = 0
    try:
        command.preflight(path, True)
    except SystemExit as ended:
        code = ended.code
    assert isinstance(code, int)
    return code, json.loads(capsys.readouterr().out)


def codes(report: dict[str, object]) -> set[str]:
    return {finding["code"] for finding in report["findings"]}  # type: ignore[index, attr-defined]


@pytest.mark.parametrize(
    ("data", "standard", "checked"),
    [
        (saved(make()), "PDF/X-4", "page.blend_space"),
        (saved(with_records()), "PDF/X-4 + PDF/VT-1", "vt.presence"),
        (saved_x1a(as_x1a()), "PDF/X-1a:2003", "x1a.colour"),
    ],
    ids=["X-4", "VT", "X-1a"],
)
def test_each_standard_is_judged_by_its_own_rules(
    data: bytes, standard: str, checked: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, report = told(data, tmp_path, capsys)
    assert code == 0 and codes(report) == set()
    assert report["facts"]["standard"] == standard and report["name"] == "some.pdf"  # type: ignore[index]
    assert next(run["subjects"] for run in report["runs"] if run["code"] == checked)  # type: ignore[attr-defined]


def test_a_file_that_claims_records_must_have_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pdf = with_records()
    del pdf.Root.DPartRoot
    code, report = told(saved(pdf), tmp_path, capsys)
    assert code == 2 and codes(report) == {"vt.presence"}


def test_a_file_that_claims_nothing_is_judged_as_the_press_takes_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, report = told(broken(lambda pdf: pdf.Root.__delitem__("/Metadata")), tmp_path, capsys)
    assert code == 2 and codes(report) == {"xmp.missing"}
    assert told(b"no PDF", tmp_path, capsys)[0] == 2


def test_an_envelope_without_bleed_is_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def cut(pdf: Pdf) -> None:
        for page in pdf.pages:
            page.obj.TrimBox = page.obj.BleedBox = page.obj.MediaBox

    code, report = told(broken(cut), tmp_path, capsys)
    assert code == 0 and codes(report) == {"page.bleed"}


def test_the_report_on_paper(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, page = tmp_path / "card.pdf", tmp_path / "report.pdf"
    path.write_bytes(broken(content(b"1 1 1 1 k 50 50 9 9 re f")))
    with pytest.raises(SystemExit) as ended:
        command.preflight(path, False, page)
    assert ended.value.code == 2
    assert "ink.total" in capsys.readouterr().out
    (only,) = pypdf.PdfReader(io.BytesIO(page.read_bytes())).pages
    text = only.extract_text()
    assert "FAILED" in text and "[ink.total]" in text and "card.pdf" in text


def test_what_cannot_be_read_or_written_is_refused_with_a_remedy(tmp_path: Path) -> None:
    good = tmp_path / "good.pdf"
    good.write_bytes(saved(make()))
    for file, report, code in (
        (tmp_path / "none.pdf", None, "file.unreadable"),
        (good, tmp_path / "no" / "folder.pdf", "file.unwritable"),
    ):
        with pytest.raises(Refused) as caught:
            command.preflight(file, False, report)
        assert [finding.code for finding in caught.value.findings] == [code] and caught.value.findings[0].remedy
