"""``cardpipe hand``: print the form for a person's own hand, and learn a font from photos of the filled one."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from cardpipe.catalog import fonts
from cardpipe.cli import show
from cardpipe.model.errors import Bug, Conflict, Refused, Unavailable
from cardpipe.model.finding import Finding, error
from cardpipe.prepress import formprint, ownhand
from cardpipe.prepress.formsheet import FlatPage
from cardpipe.prepress.ownhand import OwnHand
from cardpipe.prepress.picture import MAX_BYTES
from cardpipe.wiring import Shop, shop

_HELPERS = ("caveat", "noto-emoji", "playpen-sans")
_MOST_SCANS = 12
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LONGEST_NAME = 60


def sheet(out: Path, paper: formprint.Paper, as_json: bool) -> None:
    """Write the form. Raises Unavailable where the file cannot be written."""
    house = shop()
    press = house.catalog.press(house.press)
    data = formprint.write(paper, press, house.catalog.printed().face, house.catalog.profile(press.profile))
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        half = out.with_name(f".{out.name}.part")
        half.write_bytes(data)
        half.replace(out)
    except OSError as problem:
        what = f"cannot be written: {problem.strerror}"
        remedy = "name a file in a folder that can be written"
        raise Unavailable(f"{out} {what}", [error("hand.sheet", str(out), what, remedy)]) from None
    show.words(
        "print it in colour, write it with a black or blue pen, photograph both pages; then: cardpipe hand learn"
    )
    show.data({"form": str(out), "paper": paper}, as_json, str(out))


def learn(
    scans: Sequence[Path], name: str, title: str, out: Path | None, signatures: Path | None, as_json: bool
) -> None:
    """Make the font's folder and the signatures of photos of the form: all of it, or nothing. Raises Refused with
    every finding of every photo, Conflict where a folder exists."""
    house = shop()
    try:
        root = out or house.settings.fonts
        signed = signatures or Path(f"{name}-signatures")
        made = learned(house, scans, name, title, root, signed)
    finally:
        house.close()
    if made.findings:
        show.words(show.findings_table((("", finding) for finding in made.findings), ""))
    show.data(_value(made, name, root, signed), as_json, _report(made, root / name, signed))


def learned(house: Shop, scans: Sequence[Path], name: str, title: str, root: Path, signed: Path) -> OwnHand:
    """Everything but what is said about it. Without a title the name becomes one."""
    _judge_names(scans, name, title, root, signed)
    title = title or name.replace("-", " ").title()
    helpers = [helper for helper in _HELPERS if (root / helper / fonts.SETTINGS_FILE).is_file()]
    made = ownhand.learn(_pages(house, scans), name, title, helpers)
    checked = fonts.make_font(made.files[fonts.SETTINGS_FILE], made.files[f"{name}.ttf"], f"fonts/{name}")
    if isinstance(checked, list):
        raise Bug("the font that was made cannot be loaded", checked)
    pictures = {f"signature-{number}.png": png for number, png in enumerate(made.signatures, 1)}
    _write({root / name: made.files, **({signed: pictures} if pictures else {})})
    return made


def _judge_names(scans: Sequence[Path], name: str, title: str, root: Path, signed: Path) -> None:
    findings = []
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        remedy = "lower-case letters, figures and hyphens, such as grandma-ruth"
        findings.append(error("hand.name", "--name", "is no name for a hand", remedy))
    if not title.isprintable() or len(title) > _LONGEST_NAME:
        remedy = f"a few words, at most {_LONGEST_NAME} characters"
        findings.append(error("hand.title", "--title", "is no title for a hand", remedy))
    if not 1 <= len(scans) <= _MOST_SCANS:
        remedy = "give one photo of each page of the form"
        findings.append(error("hand.scans", "SCANS", f"{len(scans)} files are given", remedy))
    if findings:
        raise Refused("the hand cannot be learned", findings)
    there = [folder for folder in (root / name, signed) if folder.exists()]
    if there:
        remedy = "choose another name or folder, or put away what is there"
        wrong = [error("hand.exists", str(folder), "there is such a folder", remedy) for folder in there]
        raise Conflict(f"{there[0]} exists", wrong)


def _pages(house: Shop, scans: Sequence[Path]) -> list[FlatPage]:
    """Each photo laid flat by the limited child. Raises Refused with what is wrong with all of them together, and
    with what is written on those that are good."""
    pages: list[FlatPage] = []
    findings: list[Finding] = []
    for scan in scans:
        try:
            if scan.stat().st_size > MAX_BYTES:
                what = f"the file has more than {MAX_BYTES // 1_000_000} MB"
                findings.append(error("scan.file_too_large", scan.name, what, "send a JPEG of the same picture"))
                continue
            pages.append(house.darkroom.flatten(scan.read_bytes(), scan.name))
        except OSError as problem:
            what = f"cannot be read: {problem.strerror}"
            findings.append(error("scan.unreadable", scan.name, what, "name a file that can be read"))
        except Refused as problem:
            findings += problem.findings
    if findings:
        raise Refused("the form cannot become a font yet", findings + ownhand.judge(pages, whole=False))
    return pages


def _write(folders: Mapping[Path, Mapping[str, bytes]]) -> None:
    """All folders with all their files, or none of them."""
    renamed: list[Path] = []
    halves: list[tempfile.TemporaryDirectory[str]] = []
    try:
        for folder, files in folders.items():
            folder.parent.mkdir(parents=True, exist_ok=True)
            half = tempfile.TemporaryDirectory(dir=folder.parent, prefix=".new-")
            halves.append(half)
            whole = Path(half.name) / folder.name
            whole.mkdir()
            for file, data in files.items():
                (whole / file).write_bytes(data)
        for folder, half in zip(folders, halves, strict=True):
            (Path(half.name) / folder.name).rename(folder)
            renamed.append(folder)
    except OSError as problem:
        for folder in renamed:
            shutil.rmtree(folder, ignore_errors=True)
        what = f"cannot be written: {problem.strerror}"
        where = next(folder for folder in folders if folder not in renamed)
        raise Unavailable(f"{where} {what}", [error("hand.folder", str(where), what, "see its rights")]) from None
    finally:
        for half in halves:
            with suppress(OSError):
                half.cleanup()


def _value(made: OwnHand, name: str, root: Path, signed: Path) -> dict[str, object]:
    return {
        "name": name,
        "folder": str(root / name),
        "signatures": [str(signed / f"signature-{number}.png") for number in range(1, len(made.signatures) + 1)],
        "alternates": made.alternates,
        "x_height_mm": made.x_height_mm,
        "coverage": made.coverage.as_dict(),
        "findings": [finding.as_dict() for finding in made.findings],
    }


def _report(made: OwnHand, folder: Path, signed: Path) -> str:
    found = made.coverage
    lines = [
        str(folder),
        f"  written     {len(found.written):4}  {found.written}",
        f"  composed    {len(found.composed):4}  {found.composed}",
        f"  falls back  {len(found.lacking):4}  {found.lacking}",
        f"  up to {made.alternates} forms of a letter; written with small letters {made.x_height_mm:.1f} mm high",
        f"  signatures  {len(made.signatures):4}  {signed if made.signatures else 'none was written'}",
    ]
    return "\n".join(lines)
