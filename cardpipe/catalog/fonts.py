"""Fonts read from folders: `fonts/FAMILY/` with `font.toml`, the font file and its licence.

Everything wrong with a folder is said at once. What is loaded is bytes and values: an order that uses a font keeps
both by digest, so a later edit of the folder never changes a card that is already promised (:func:`make_font`).
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, error
from cardpipe.model.units import Points, parse_length
from cardpipe.prepress.art import ArtFace
from cardpipe.prepress.font import Font
from cardpipe.prepress.typeset import Face, Hand

SETTINGS_FILE = "font.toml"
LICENCE_FILES = ("LICENSE", "OFL.txt", "LICENSE.txt")
_LIMIT = 4_000_000  # bytes; a font of a hand has 30 to 900 kB

Role = Literal["hand", "fallback", "text", "address", "display"]
Name = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]


class Fault(BaseModel):
    """Characters that this font draws wrong, and what is wrong with them."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    characters: Annotated[str, Field(min_length=1)]
    why: Annotated[str, Field(min_length=1)]


class FontSettings(BaseModel):
    """The schema of `font.toml`. ``x_height`` is the size a hand is written at where nobody says otherwise;
    ``word_space`` the white between two words and ``lighten`` the outlines' tolerance, both in x-heights;
    ``x_height_em`` is for fonts without an x; ``replace`` names glyphs never to be used, with those that stand in."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: Name
    title: Annotated[str, Field(min_length=1)]
    version: Annotated[str, Field(min_length=1)]
    role: Annotated[list[Role], Field(min_length=1)]
    file: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.\[\]-]+\.(ttf|otf)$")]
    licence: Annotated[str, Field(pattern=r"^[A-Za-z0-9.+-]+$", description="SPDX identifier")]
    source: str = ""
    x_height: str = "2.9mm"
    x_height_em: Annotated[float, Field(gt=0.1, lt=2)] | None = None
    joined: bool = False
    features: dict[str, bool] = {}
    word_space: Annotated[float, Field(ge=0.3, le=3)] = 0.9
    lighten: Annotated[float, Field(ge=0.001, le=0.05)] = 0.008
    replace: dict[str, list[str]] = {}
    faults: list[Fault] = []
    fallback: list[Name] = []
    note: str = ""

    @field_validator("x_height")
    @classmethod
    def _length(cls, value: str) -> str:
        if not 2 <= parse_length(value) <= 40:
            raise ValueError("an x-height lies between 2pt and 40pt")
        return value

    @property
    def default_x_height(self) -> Points:
        return parse_length(self.x_height)


@dataclass(frozen=True, slots=True)
class FontFolder:
    """A loaded font: its settings, the bytes to keep, their digests, and the face ready for setting text."""

    settings: FontSettings
    settings_data: bytes
    data: bytes
    sha256: str
    settings_sha256: str
    face: Face

    @property
    def name(self) -> str:
        return self.settings.name

    def art_face(self) -> ArtFace:
        """The font as a design's text may name it: by its family, weight and style; or by its folder, its title or the
        full names of its file, which mean this very one."""
        settings, naming = self.settings, self.face.font.naming()
        names = {name: None for name in (settings.title, *naming.names) if name not in (naming.family, naming.linked)}
        return ArtFace(
            self.name, naming.family or settings.title, naming.linked, tuple(names), naming.weight, naming.italic,
            self.sha256, tuple(sorted(settings.features.items())), settings.x_height_em,
            tuple((bad, *good) for bad, good in sorted(settings.replace.items())),
            "".join(fault.characters for fault in settings.faults), self.data,
        )  # fmt: skip


@dataclass(frozen=True)
class Fonts:
    """All fonts of the house by name."""

    folders: Mapping[str, FontFolder]

    def names(self, role: Role) -> list[str]:
        """Names of the fonts with a role, in alphabetical order."""
        return sorted(name for name, folder in self.folders.items() if role in folder.settings.role)

    @cached_property
    def art_faces(self) -> tuple[ArtFace, ...]:
        """What the text of a design's art may be set in: every font here, for each may be printed by its licence."""
        return tuple(folder.art_face() for _, folder in sorted(self.folders.items()))

    def face(self, name: str) -> Face:
        """One font alone. Raises Refused for an unknown name."""
        return self._folder(name).face

    def chain(self, name: str) -> list[FontFolder]:
        """A hand and those that help out, in order: what an order that uses the hand must keep."""
        chosen = self._folder(name)
        return [chosen, *(self.folders[other] for other in chosen.settings.fallback)]

    def hand(self, name: str) -> Hand:
        """A hand with its fallbacks. Raises Refused for an unknown name and for a font that is no hand."""
        if not {"hand", "fallback"} & set(self._folder(name).settings.role):
            raise Refused(f"the font {name} is no hand; choose one of: {', '.join(self.names('hand'))}")
        return make_hand(self.chain(name))

    def _folder(self, name: str) -> FontFolder:
        if name not in self.folders:
            raise Refused(f"there is no font {name}; choose one of: {', '.join(sorted(self.folders))}")
        return self.folders[name]


def make_hand(chain: Iterable[FontFolder]) -> Hand:
    """A hand from loaded fonts, the chosen one first."""
    faces = tuple(folder.face for folder in chain)
    return Hand(faces[0].name, faces)


def make_font(settings_data: bytes, data: bytes, where: str = "font") -> FontFolder | list[Finding]:
    """A font from the bytes of its `font.toml` and of its file, or all that is wrong with them."""
    try:
        settings = FontSettings.model_validate(tomllib.loads(settings_data.decode("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        return [error("font.toml.unreadable", where, f"font.toml is no TOML: {problem}", "mend the named line")]
    except ValidationError as problem:
        return [
            error(
                "font.toml.invalid",
                f"{where}.{'.'.join(str(part) for part in item['loc'])}",
                str(item["msg"]),
                "see FontSettings in cardpipe/catalog/fonts.py for the keys and their forms",
            )
            for item in problem.errors()
        ]
    try:
        font = Font(data, settings.features, settings.x_height_em, tolerance=settings.lighten, replace=settings.replace)
    except Refused as problem:
        return [error("font.file.unusable", f"{where}.file", str(problem), "replace the file")]
    faults = frozenset("".join(fault.characters for fault in settings.faults))
    face = Face(settings.name, font, settings.joined, settings.word_space, faults)
    return FontFolder(settings, settings_data, data, font.digest, hashlib.sha256(settings_data).hexdigest(), face)


def read_font(folder: Path) -> FontFolder | list[Finding]:
    """One font folder from disk, or all that is wrong with it."""
    where = f"fonts/{folder.name}"
    findings: list[Finding] = []
    if not any((folder / name).is_file() for name in LICENCE_FILES):
        findings.append(
            error("font.licence.missing", where, "no licence text lies beside the font", f"add {LICENCE_FILES[0]}")
        )
    settings_file = folder / SETTINGS_FILE
    if not settings_file.is_file():
        return [*findings, error("font.toml.missing", where, f"there is no {SETTINGS_FILE}", "write one")]
    settings_data = settings_file.read_bytes()
    file = folder / _named_file(settings_data)
    data = file.read_bytes() if file.is_file() and file.stat().st_size <= _LIMIT else b""
    if file != folder and not file.is_file():
        findings.append(error("font.file.missing", where, f"{file.name} is not in the folder", "add it or mend `file`"))
    elif file != folder and not data:
        findings.append(error("font.file.too_big", where, f"{file.name} has more than {_LIMIT} bytes", "subset it"))
    made = make_font(settings_data, data, where)
    if isinstance(made, list):
        return findings + [finding for finding in made if data or finding.code != "font.file.unusable"]
    if made.name != folder.name:
        findings.append(
            error("font.name.differs", where, f"name is {made.name!r}, the folder {folder.name!r}", "make them equal")
        )
    return findings or made


def _named_file(settings_data: bytes) -> str:
    """The file that a font.toml names, or nothing where it cannot be read or points out of the folder."""
    try:
        name = tomllib.loads(settings_data.decode("utf-8")).get("file", "")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return ""
    return name if isinstance(name, str) and Path(name).name == name else ""


def load_fonts(folder: Path) -> Fonts:
    """All fonts below a folder. Raises Refused with every finding of every font at once."""
    findings: list[Finding] = []
    folders: dict[str, FontFolder] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if not path.is_dir() or path.name.startswith("."):
            continue
        made = read_font(path)
        if isinstance(made, list):
            findings += made
        else:
            folders[made.name] = made
    if not folders and not findings:
        findings.append(error("font.none", str(folder), "there are no font folders", "name the folder that holds them"))
    for name, loaded in folders.items():
        for other in loaded.settings.fallback:
            if other not in folders or other == name:
                findings.append(
                    error("font.fallback.unknown", f"fonts/{name}.fallback", f"{other} is no other font", "mend it")
                )
    if findings:
        raise Refused(f"{len(findings)} findings in the fonts of {folder}", findings)
    return Fonts(folders)
