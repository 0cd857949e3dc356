"""What the checks look at, as plain values: a file, its pages and objects, and what the content streams paint."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeAlias

from cardpipe.model.units import Box
from cardpipe.preflight.colour import Icc, Space

Key: TypeAlias = tuple[int, int]
"""Object and generation number."""

Matrix: TypeAlias = tuple[float, float, float, float, float, float]


@dataclass(frozen=True, slots=True)
class File:
    """Facts of the whole file that need no page. ``identity`` is what Info says of PDF/X, ``compressed`` whether the
    cross-reference is a stream (only then can objects lie in streams), ``vt`` what the XMP says of PDF/VT."""

    size: int
    header: bytes
    ending: bytes
    encrypted: bool
    catalog_version: str
    ids: tuple[bool, ...]
    info: dict[str, str]
    trapped: str
    has_metadata: bool
    pages: int
    intents: int
    catalog: frozenset[str]
    names: frozenset[str]
    outline_actions: int
    viewer: dict[str, str]
    identity: dict[str, str]
    compressed: bool
    vt: str


@dataclass(frozen=True, slots=True)
class Packet:
    """The catalog's XMP: how it is stored, and its properties by ``{namespace}name``."""

    filters: tuple[str, ...]
    trouble: str
    properties: dict[str, str]
    info: dict[str, str]
    trapped: str
    identity: dict[str, str] = field(default_factory=dict)
    records: bool = False


@dataclass(frozen=True, slots=True)
class Records:
    """The tree of document parts as a whole. Faults are told as they were met, at most a handful of each.

    ``depth`` counts the levels of the first leaf; ``strays`` are the pages whose ``/DPart`` is not the leaf that
    covers them.
    """

    root: tuple[str, ...]
    names: tuple[str, ...] | None
    record_level: float | None
    depth: int
    uneven: bool
    leaves: int
    order: tuple[str, ...]
    strays: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One document part: what is wrong with its place in the tree, with its pages' ends, with its metadata."""

    key: Key
    faults: tuple[str, ...]
    pages: int | None
    end: bool
    metadata: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Hint:
    """What an XObject promises to a RIP that keeps what it has rendered (ISO 16612-2, XObject hints)."""

    what: str
    scope: str | None
    env: bool
    encapsulated: bool | None
    sealed: bool


@dataclass(frozen=True, slots=True)
class Intent:
    """The output intent: what the file says it was made for."""

    condition: str
    registry: str
    embedded: bool
    external: bool
    icc: Icc | None


@dataclass(frozen=True, slots=True)
class Page:
    """A page's own dictionary. Boxes are those written on the page itself; only ``media`` may be inherited."""

    number: int
    media: Box | None
    crop: Box | None
    bleed: Box | None
    trim: Box | None
    art: Box | None
    rotate: float
    user_unit: float
    group: bool
    blend: Space | None
    keys: frozenset[str]
    transparent: tuple[str, ...] = ()

    def with_transparency(self, causes: tuple[str, ...]) -> Page:
        """The page once its content was walked."""
        return replace(self, transparent=causes)


@dataclass(frozen=True, slots=True)
class Annotation:
    """An annotation with the box that it must stay out of."""

    kind: str
    rect: Box | None
    forbidden: Box | None
    action: bool


@dataclass(frozen=True, slots=True)
class Font:
    """A font that a page names, whether it uses it or not."""

    key: Key
    name: str
    kind: str
    embedded: bool
    opentype: bool = False


@dataclass(frozen=True, slots=True)
class Image:
    """An image object, inline image (key (0, 0)) or the soft or stencil mask of another image."""

    key: Key
    width: int
    height: int
    bits: int
    mask: bool
    space: Space | None
    filters: tuple[str, ...]
    keys: frozenset[str]
    role: str = "image"
    soft: Image | None = field(default=None, repr=False)
    stencil: Image | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Form:
    """A form or PostScript XObject's dictionary."""

    key: Key
    kind: str
    keys: frozenset[str]
    blend: Space | None


@dataclass(frozen=True, slots=True)
class Stream:
    """A content stream as a text of operators."""

    filters: tuple[str, ...]
    unknown: tuple[str, ...]
    imbalance: int


@dataclass(frozen=True, slots=True)
class GState:
    """An ExtGState dictionary's entries that change what is printed; None where an entry is absent."""

    line_width: float | None
    overprint_stroke: bool | None
    overprint_fill: bool | None
    overprint_mode: int | None
    alpha_stroke: float | None
    alpha_fill: float | None
    blend: str | None
    soft_mask: bool | None
    transfer: bool
    halftone_phase: bool


@dataclass(frozen=True, slots=True)
class Placement:
    """An image where it is painted."""

    image: Image
    matrix: Matrix


@dataclass(frozen=True, slots=True)
class Paint:
    """A flat colour in use. ``role`` is fill, stroke or text; ``size`` is the text's size in points, else 0."""

    role: str
    space: Space
    values: tuple[float, ...]
    overprint: bool
    mode: int
    size: float


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line's width as it is printed, in points at its narrowest."""

    width: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A filled rectangle or an image as it lies on the page, clipped, with the boxes of that page."""

    what: str
    box: Box
    trim: Box
    bleed: Box


@dataclass(frozen=True, slots=True)
class Registration:
    """What is painted in the registration colour, the ink of every plate: the box about it and the page's trim."""

    box: Box
    trim: Box
