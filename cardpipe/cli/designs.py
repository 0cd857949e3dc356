"""``cardpipe design``: start one, judge them, draw their specimens."""

from __future__ import annotations

import json
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cardpipe.catalog import digests
from cardpipe.catalog.designs import DesignFolder
from cardpipe.cli import show
from cardpipe.model.errors import Conflict, Refused, Unavailable
from cardpipe.model.finding import Finding, Level, error, has_errors
from cardpipe.pipeline import proofs
from cardpipe.pipeline.judging import Judged, judge
from cardpipe.prepress import proof as drawing
from cardpipe.prepress import template
from cardpipe.prepress.design import SLUG, Design
from cardpipe.wiring import Shop, shop

Art = Literal["svg", "pdf"]

_LICENCES = ("LICENSE", "LICENSE.txt", "OFL.txt")
_HAND = "caveat"  # of a new design, where the house has it

#: A golden specimen: small enough for version control, large enough to see what moved.
GOLDEN = drawing.Look(ppi=60, word="SPECIMEN")
COLOURS = 96
THUMBNAIL_HEIGHT = 300
_FRONT = drawing.Look(ppi=120, word="", slots=False)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One design's name with all that was found."""

    name: str
    findings: list[Finding]

    @property
    def ok(self) -> bool:
        """Whether cards of this design may be printed."""
        return not has_errors(self.findings)


def new(name: str, format: str, as_json: bool = False, art: Art = "svg") -> None:
    """Start a design: all of its folder, or nothing."""
    house = shop()
    folder = create(house, name, format, art)
    show.words(f"draw over the art in {folder}, then run 'cardpipe design check {name}'")
    show.data({"name": name, "folder": str(folder)}, as_json, str(folder))


def check(names: list[str], as_json: bool, out: Path | None = None) -> None:
    """Judge designs; exit 2 when one has an error. With ``out`` each printed side is drawn with its findings."""
    from cardpipe.cli import checking

    house = shop()
    drawn: dict[str, list[str]] = {}
    try:
        verdicts = [examine(house, name) for name in chosen(house, names)]
        if out is not None:
            for verdict in verdicts:
                pictures = checking.pictures(house, verdict.name, ranked(verdict.findings))
                if pictures:
                    drawn[verdict.name] = write(out / verdict.name, pictures)
    finally:
        house.close()
    tell(verdicts, numbered=out is not None)
    rows = [{"name": v.name, "ok": v.ok, "findings": [f.as_dict() for f in v.findings]} for v in verdicts]
    good = sum(verdict.ok for verdict in verdicts)
    value = {"press": house.press, "designs": rows, **({"pictures": drawn} if out is not None else {})}
    where = "their houses' presses" if house.houses else house.press  # each is judged for its own format's
    plain = [f"{good} of {len(verdicts)} designs can be printed on {where}"]
    show.data(value, as_json, "\n".join(plain + [path for paths in drawn.values() for path in paths]))
    if good < len(verdicts):
        raise SystemExit(Refused.exit_code)


def proof(names: list[str], out: Path | None, as_json: bool) -> None:
    """Draw specimens: small ones into the designs' folders, or large ones with guides into ``out``."""
    house = shop()
    written: dict[str, list[str]] = {}
    bad: list[Verdict] = []
    try:
        for name in chosen(house, names):
            verdict, pictures = proofs_of(house, name, large=out is not None)
            if pictures:
                folder = house.settings.designs / name if out is None else out / name
                written[name] = write(folder, pictures)
            if not verdict.ok:
                bad.append(verdict)
    finally:
        house.close()
    tell(bad)
    plain = "\n".join(path for paths in written.values() for path in paths)
    show.data({"proofs": written, "refused": [verdict.name for verdict in bad]}, as_json, plain)
    if bad:
        raise SystemExit(Refused.exit_code)


def schema() -> None:
    """The JSON Schema of ``design.toml``."""
    show.data(None, False, _schema())


def _schema() -> str:
    return json.dumps(Design.model_json_schema(), indent=2, ensure_ascii=False)


def create(house: Shop, name: str, format_name: str, art: Art = "pdf") -> Path:
    """A new design's folder, and beside it the schema that its ``design.toml`` names to editors. Raises Refused for a
    name or a format that cannot be, Conflict where the folder exists."""
    findings = []
    if not SLUG.match(name):
        remedy = "lower-case letters, figures and hyphens, such as birthday-fern"
        findings.append(error("design.name", "NAME", f"{name!r} is no name for a design", remedy))
    formats = house.catalog.formats()
    if format_name not in formats:
        known = ", ".join(sorted(formats))
        findings.append(
            error("design.format", "--format", f"format {format_name!r} is not known", f"choose of {known}")
        )
    if findings:
        raise Refused("the design cannot be started", findings)
    root = house.settings.designs
    folder = root / name
    if folder.exists():
        remedy = "choose another name, or change what is there"
        raise Conflict(f"{folder} exists", [error("design.exists", str(folder), "there is such a folder", remedy)])
    hands = house.catalog.hands()
    if not hands:
        raise Refused("there are no hands", [error("font.none", str(house.settings.fonts), "holds no hand", "add one")])
    files = template.files(name, formats[format_name], _HAND if _HAND in hands else hands[0], art=art)
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root, prefix=".new-") as half:
            whole = Path(half) / name
            whole.mkdir()
            for file, data in files.items():
                (whole / file).write_bytes(data)
            whole.rename(folder)
        (root / template.SCHEMA.rpartition("/")[2]).write_text(_schema() + "\n", encoding="utf-8")
    except OSError as problem:
        what = f"cannot be written: {problem.strerror}"
        raise Unavailable(f"{folder} {what}", [error("design.folder", str(folder), what, "see its rights")]) from None
    return folder


def examine(house: Shop, name: str) -> Verdict:
    """Everything that is to be said about one design."""
    judged = judge(house, name)
    if not isinstance(judged, Judged):
        return Verdict(name, judged)
    return Verdict(name, judged.findings + _folder(house, judged))


def _folder(house: Shop, judged: Judged) -> list[Finding]:
    """What must lie beside the art: a licence, and proofs of this very version."""
    name = judged.source.design.name
    folder, findings = house.settings.designs / name, []
    if not any((folder / file).is_file() for file in _LICENCES):
        remedy = f"add {_LICENCES[0]} with the text or notice of {judged.source.design.license}"
        findings.append(error("design.licence.missing", f"designs/{name}", "no licence lies beside the art", remedy))
    return findings + digests.judge(_as_folder(judged), folder)


def _as_folder(judged: Judged) -> DesignFolder:
    source = judged.source
    return source if isinstance(source, DesignFolder) else DesignFolder(source.design, source.files)


def proofs_of(house: Shop, name: str, *, large: bool = False) -> tuple[Verdict, dict[str, bytes]]:
    """A design's pictures by path in its folder; none where it has errors. ``large``: one with guides a specimen."""
    judged = judge(house, name)
    if not isinstance(judged, Judged):
        return Verdict(name, judged), {}
    verdict = Verdict(name, judged.findings + _folder(house, judged))
    if not large and not verdict.ok:
        return verdict, {}
    source, bench = judged.source, judged.bench
    made: dict[str, bytes] = {}
    for shown in judged.shown:
        if shown.piece is None:
            continue
        if large:
            look = drawing.Look(ppi=drawing.MAX_PPI, word="SPECIMEN", guides=source.format)
            with suppress(Refused):  # art that cannot be drawn at all is among the findings
                made[f"{shown.specimen.name}.png"] = proofs.draw(bench, shown.piece, look).png()
            continue
        pages = proofs.draw(bench, shown.piece, GOLDEN).pages
        made[f"specimen/{shown.specimen.name}.png"] = drawing.png(drawing.sheet(pages), COLOURS)
        if "thumbnail.png" not in made:
            front = drawing.panel(
                proofs.draw(bench, shown.piece, _FRONT).pages, source.format, "front", THUMBNAIL_HEIGHT
            )
            made["thumbnail.png"] = drawing.png(front, 192)
    if not large:
        made[digests.FILE] = digests.text(_as_folder(judged)).encode()
    return verdict, made


def write(folder: Path, pictures: dict[str, bytes]) -> list[str]:
    """Write the files, each whole or not at all; pictures of specimens that are no more go away."""
    try:
        if digests.FILE in pictures and (folder / "specimen").is_dir():
            for left in (folder / "specimen").glob("*.png"):
                if f"specimen/{left.name}" not in pictures:
                    left.unlink()
        for file, data in pictures.items():
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            half = path.with_name(f".{path.name}.part")
            half.write_bytes(data)
            half.replace(path)
    except OSError as problem:
        what = f"cannot be written: {problem.strerror}"
        raise Unavailable(f"{folder} {what}", [error("design.folder", str(folder), what, "see its rights")]) from None
    return [str(folder / file) for file in pictures]


def chosen(house: Shop, names: list[str]) -> list[str]:
    """The designs asked for, each once; all where none is named."""
    found = list(dict.fromkeys(names)) or house.catalog.designs()
    if not found:
        where = str(house.settings.designs)
        raise Refused(
            "there are no designs", [error("design.none", where, "holds no design", "cardpipe design new NAME")]
        )
    return found


def ranked(findings: list[Finding]) -> list[Finding]:
    """Errors first: so they are told, and numbered in pictures."""
    order = list(Level)
    return sorted(findings, key=lambda finding: order.index(finding.level))


def tell(verdicts: list[Verdict], numbered: bool = False) -> None:
    """All findings of designs as a table; ``numbered`` as they are in the pictures."""
    rows = []
    for verdict in verdicts:
        for number, f in enumerate(ranked(verdict.findings), 1):
            what = (f"{number}: " if numbered else "") + f.message + (f"\n→ {f.remedy}" if f.remedy else "")
            rows.append((verdict.name, str(f.level), _within(verdict.name, f.where), what, f.code))
    if rows:
        show.words(show.table(("design", "level", "where", "what is wrong", "code"), rows))


def _within(name: str, where: str) -> str:
    """The place within the design, whose name stands beside it."""
    return where.removeprefix(f"designs/{name}").lstrip("/ ") or "folder"
