"""Designs as folders: read whole, judged, and pinned by digest."""

from __future__ import annotations

import difflib
import hashlib
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from pydantic import ValidationError

from cardpipe.catalog import art
from cardpipe.catalog.art import ArtFaces, Draft, MakeArt, no_art, no_faces
from cardpipe.catalog.press import formats
from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, error, has_errors
from cardpipe.model.units import Box
from cardpipe.prepress import frames
from cardpipe.prepress.art import KINDS
from cardpipe.prepress.design import SLUG, Design
from cardpipe.prepress.format import Format
from cardpipe.prepress.page import Ink

_MAX_FILE = 20_000_000
_FILES = (
    "design.toml",
    *(f"{side}.{kind}" for side in ("outside", "inside", "front", "back") for kind in ("pdf", *KINDS)),
)


@dataclass(frozen=True)
class DesignFolder:
    """A design with the bytes that a card needs: ``design.toml`` and one PDF of art a printed side, with the SVG or
    PNG that it was made of."""

    design: Design
    files: Mapping[str, bytes] = field(repr=False)
    formats: Callable[[], Mapping[str, Format]] = field(default=formats, repr=False, compare=False)
    remarks: tuple[Finding, ...] = ()

    @cached_property
    def digests(self) -> dict[str, str]:
        """SHA-256 by file name: what an accepted order pins."""
        return {name: hashlib.sha256(data).hexdigest() for name, data in sorted(self.files.items())}

    @property
    def format(self) -> Format:
        return self.formats()[self.design.format]

    def ink(self, name: str) -> Ink:
        """A printing colour of the design's palette."""
        return Ink(name, *(part / 100 for part in self.design.inks[name].cmyk))


def from_files(
    files: Mapping[str, bytes],
    name: str,
    known: Callable[[], Mapping[str, Format]] = formats,
    *,
    judged: bool = False,
    make: MakeArt = no_art,
    faces: ArtFaces = no_faces,
) -> DesignFolder:
    """A design from its files' bytes, from a folder or from pinned artifacts. Raises Refused with every finding.

    ``known`` gives the formats that it may have. ``judged``: it was when its order was accepted, and what a format or a
    rule became since must not stop it now; nor is its art made again, whatever its fonts became. ``make`` makes pages
    of SVG and PNG; the text of an SVG is set in ``faces``."""
    design = _parsed(files, name)
    folder = DesignFolder(design, dict(files), known)
    if judged:
        return folder
    findings = _judge(folder, name)
    if design.format in folder.formats():
        made, told = art.pages(files, design, folder.format, make, faces)
        folder = replace(folder, files={**files, **made}, remarks=tuple(told))
        findings += told
    if has_errors(findings):
        if not any(finding.code in ("design.format", "design.frame.panel") for finding in findings):
            findings += frames.judge(design, folder.format)  # all at once; of a sound design the check asks for them
        raise Refused(f"design {name} cannot be used", findings)
    return folder


def _parsed(files: Mapping[str, bytes], name: str) -> Design:
    """What ``design.toml`` says. Raises Refused with every finding."""
    try:
        data = tomllib.loads(files["design.toml"].decode())
    except (KeyError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise Refused(
            f"design {name} cannot be read",
            [error("design.toml.unreadable", f"designs/{name}/design.toml", str(problem), "write it as UTF-8 TOML")],
        ) from None
    try:
        return Design.model_validate(data)
    except ValidationError as problem:
        raise Refused(f"design {name} is not complete", _findings(name, problem)) from None


def _findings(name: str, problem: ValidationError) -> list[Finding]:
    return [
        error(
            "design.toml.invalid",
            f"designs/{name}/design.toml {'.'.join(str(part) for part in item['loc']) or 'whole'}",
            item["msg"].removeprefix("Value error, "),
        )
        for item in problem.errors()
    ]


def _judge(folder: DesignFolder, name: str) -> list[Finding]:
    design, where = folder.design, f"designs/{name}/design.toml"
    findings: list[Finding] = []
    if design.name != name:
        findings.append(error("design.name", where, f"says name = {design.name!r}", f"write name = {name!r}"))
    if design.format not in folder.formats():
        known = ", ".join(sorted(folder.formats()))
        findings.append(error("design.format", where, f"format {design.format!r} is not known", f"choose of {known}"))
        return findings
    layout = folder.format
    for side in layout.sides:
        if not any(f"{side}.{kind}" in folder.files for kind in ("pdf", *KINDS)):
            what = f"there is no {side}.pdf, .svg or .png"
            remedy = f"save {side}.svg in the palette's colours, or {side}.pdf in CMYK"
            findings.append(error("design.art.missing", f"designs/{name}", what, remedy))
    for frame in design.frame:
        panel = layout.panels.get(frame.panel)
        if panel is None:
            known = ", ".join(layout.panels)
            findings.append(
                error("design.frame.panel", f"{where} {frame.field}", f"panel {frame.panel!r}", f"choose of {known}")
            )
        elif frame.box is not None:
            whole = Box(0, 0, panel.box.width, panel.box.height)
            limit = whole.inset(-layout.bleed) if frame.bleeds else whole.inset(layout.safe)
            if not limit.contains(frame.inner, slack=0.05):
                what = "the bleed" if frame.bleeds else "the safe margin"
                findings.append(
                    error("design.frame.outside", f"{where} {frame.field}", f"reaches beyond {what}", "make it smaller")
                )
    return findings


class DesignShelf:
    """The folder of designs. A name that is no slug, a link out of it or a giant file is refused."""

    def __init__(
        self,
        root: Path,
        known: Callable[[], Mapping[str, Format]] = formats,
        make: MakeArt = no_art,
        faces: ArtFaces = no_faces,
    ) -> None:
        self._root = root
        self._known = known
        self._make = make
        self._faces = faces
        self._loaded: dict[str, DesignFolder] = {}

    def names(self) -> list[str]:
        """Every design, sorted."""
        if not self._root.is_dir():
            return []
        return sorted(p.name for p in self._root.iterdir() if (p / "design.toml").is_file() and SLUG.match(p.name))

    def load(self, name: str) -> DesignFolder:
        """One design. Raises Refused (code ``design.unknown``) where there is none."""
        if name not in self._loaded:
            if not SLUG.match(name) or not (self._root / name / "design.toml").is_file():
                near = difflib.get_close_matches(name, self.names(), 1)
                known = ", ".join(self.names()) or "none"
                remedy = f"did you mean {near[0]!r}?" if near else f"choose one of: {known}"
                what = f"there is no design {name!r}"
                raise Refused(what, [error("design.unknown", "design", what, remedy)])
            self._loaded[name] = from_files(
                self._read(self._root / name), name, self._known, make=self._make, faces=self._faces
            )
        return self._loaded[name]

    def forget(self, name: str) -> None:
        """Read a design anew when it is asked for again: somebody is drawing it."""
        self._loaded.pop(name, None)

    def draft(self, name: str, lines: Callable[[str], tuple[int, ...]]) -> Draft:
        """A design as far as it can be shown, with the places of ``lines``. Raises Refused where its ``design.toml``
        cannot be read or names no known format."""
        if name not in self.names():
            raise Refused(f"there is no design {name!r}")
        files = self._read(self._root / name)
        design = _parsed(files, name)
        if design.format not in self._known():
            raise Refused(f"there is no format {design.format!r}")
        return art.draft(files, design, self._known()[design.format], self._make, lines, self._faces)

    def for_occasion(self, occasion: str) -> str:
        """The design for an occasion when the order names none: the first by name that lists it first."""
        shelf = [self.load(name).design for name in self.names()]
        suited = [d.name for d in shelf if d.occasions[0] == occasion] or [
            d.name for d in shelf if occasion in d.occasions
        ]
        if not suited:
            known = ", ".join(sorted({o for d in shelf for o in d.occasions}))
            raise Refused(
                f"no design is for {occasion!r}",
                [
                    error(
                        "design.occasion",
                        "occasion",
                        f"no design is for {occasion!r}",
                        f"name a design, or one of: {known}",
                    )
                ],
            )
        return suited[0]

    def _read(self, folder: Path) -> dict[str, bytes]:
        files = {}
        for name in _FILES:
            path = folder / name
            if path.is_file() and not path.is_symlink():
                if path.stat().st_size > _MAX_FILE:
                    raise Refused(
                        f"{path.name} is too large",
                        [error("design.art.large", f"designs/{folder.name}/{name}", "over 20 MB", "simplify the art")],
                    )
                files[name] = path.read_bytes()
        return files
