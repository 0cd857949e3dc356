"""Other people's programs that look at a finished file: what each says of it, as plain values."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pikepdf
import pytest
from pikepdf import Dictionary, Name, Stream
from PIL import Image

PDFA_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/" pdfaid:part="2" pdfaid:conformance="B"/>
</rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""


def run(program: str, package: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program; where it is missing the test is skipped by its name at home, and fails where all is required."""
    if shutil.which(program) is None:
        if os.environ.get("CARDPIPE_TEST_REQUIRE") == "all":
            pytest.fail(f"{program} is missing, and CARDPIPE_TEST_REQUIRE=all asks for it (Debian package {package})")
        pytest.skip(f"{program}: install the Debian package {package} to run this")
    command = [program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def archive_rules(data: bytes) -> list[str]:
    """What breaks PDF/A-2b by veraPDF's rules, on a copy without what PDF/A does not know (records, PDF/X marks).

    Where the metadata are wrong it says nothing of fonts, so they are replaced whole.

    Fonts and colours are the same in PDF/A-2 (ISO 19005-2, 6.2) and in PDF/X-4, so this is a second opinion on them.
    """
    from pikepdf import pdfa

    with pikepdf.open(io.BytesIO(data)) as pdf:
        for key in ("/DPartRoot", "/ViewerPreferences"):
            if key in pdf.Root:
                del pdf.Root[key]
        for page in pdf.pages:
            if "/DPart" in page.obj:
                del page.obj["/DPart"]
        for intent in pdf.Root.get("/OutputIntents", []):
            intent.S = Name.GTS_PDFA1
        for found in pdf.objects:
            if isinstance(found, Dictionary | Stream):
                for key in [key for key in found.keys() if str(key).startswith("/GTS_")]:  # noqa: SIM118
                    del found[key]
        pdf.Root.Metadata = pdf.make_indirect(Stream(pdf, PDFA_XMP.encode(), Type=Name.Metadata, Subtype=Name.XML))
        del pdf.trailer.Info
        report = pdfa.check(pdf, "2b")
    return [f"{finding.rule} {finding.where}: {finding.message}" for finding in report.findings]


def syntax(path: Path) -> tuple[int, str]:
    """qpdf's exit code (0 clean, 2 errors, 3 warnings) and words."""
    done = run("qpdf", "qpdf", "--check", path)
    return done.returncode, done.stdout + done.stderr


def fonts(path: Path) -> dict[str, bool]:
    """Every font by name, and whether it is embedded, as poppler says."""
    rows = run("pdffonts", "poppler-utils", path).stdout.splitlines()[2:]
    found = {}
    for row in rows:
        name, *_, embedded, _, _, _, _ = row.split()
        found[name] = embedded == "yes"
    return found


def pictures(path: Path) -> list[tuple[str, str, int, int]]:
    """Every image as poppler lists it: kind, colour, pixels an inch across and upwards."""
    rows = run("pdfimages", "poppler-utils", "-list", path).stdout.splitlines()[2:]
    cells = [row.split() for row in rows]
    return [(row[2], row[5], int(row[12]), int(row[13])) for row in cells]


def boxes(path: Path) -> list[dict[str, tuple[float, ...]]]:
    """The boxes of every page as poppler reads them (one that is absent is reported as the next larger one)."""
    told = run("pdfinfo", "poppler-utils", "-box", "-f", "1", "-l", "9999", path).stdout
    found: dict[int, dict[str, tuple[float, ...]]] = {}
    for number, name, rest in re.findall(r"Page +(\d+) (\w+Box): +(.*)", told):
        found.setdefault(int(number), {})[name] = tuple(float(part) for part in rest.split())
    return [found[number] for number in sorted(found)]


def heaviest(path: Path, folder: Path, resolution: int = 72) -> float:
    """Most ink of any pixel in per cent, of all pages separated by Ghostscript for the file's own output intent.

    With an output profile alone it would convert the inks first: 400 % read as 287 %. Only ``UsePDFX3Profile`` leaves
    DeviceCMYK alone and turns tagged colours into the inks of the intent.
    """
    done = run(
        "gs", "ghostscript", "-q", "-dSAFER", "-dBATCH", "-dNOPAUSE", "-sDEVICE=tiff32nc", f"-r{resolution}",
        "-dUsePDFX3Profile", "-o", folder / "page-%04d.tif", path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    most = 0.0
    pages = sorted(folder.glob("page-*.tif"))
    assert pages
    for page in pages:
        with Image.open(page) as picture:
            assert picture.mode == "CMYK"
            most = max(most, float(np.asarray(picture, dtype=np.uint16).sum(axis=2).max()) / 2.55)
    return most
