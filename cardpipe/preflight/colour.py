"""Colour spaces as values: what a press would be asked to print, and what is wrong with how it is asked."""

from __future__ import annotations

from dataclasses import dataclass, field

from cardpipe.preflight.document import Damaged, Node

_INLINE = {"G": "DeviceGray", "RGB": "DeviceRGB", "CMYK": "DeviceCMYK", "I": "Indexed"}
_COUNTS = {"DeviceGray": 1, "DeviceRGB": 3, "DeviceCMYK": 4, "CalGray": 1, "CalRGB": 3, "Lab": 3, "Indexed": 1}
_SIGNATURES = {b"GRAY": 1, b"RGB ": 3, b"CMYK": 4, b"Lab ": 3}
_DEPTH = 8


@dataclass(frozen=True, slots=True)
class Icc:
    """The head of an ICC profile (ICC.1:2010, clause 7.2) and the /N of the stream that carries it."""

    declared: int
    components: int
    kind: str
    version: int
    genuine: bool

    @staticmethod
    def read(stream: Node) -> Icc:
        """Never raises: what cannot be read is not genuine."""
        declared = int(stream.get("N").number or 0)
        try:
            head = stream.head(128)
        except Damaged:
            head = b""
        genuine = len(head) == 128 and head[36:40] == b"acsp"
        kind = head[12:16].decode("latin-1") if genuine else ""
        return Icc(declared, _SIGNATURES.get(head[16:20], 0), kind, head[8] if genuine else 0, genuine)


@dataclass(frozen=True, slots=True)
class Space:
    """A colour space. ``family`` is its PDF name; ``base`` belongs to Indexed, Separation, DeviceN and Pattern.

    ``remapped`` marks a device space that the page's DefaultRGB, DefaultCMYK or DefaultGray replaces.
    """

    family: str
    count: int = 0
    base: Space | None = None
    inks: tuple[str, ...] = ()
    icc: Icc | None = None
    remapped: bool = False
    tint: str = field(default="", compare=False)

    def lineage(self) -> tuple[Space, ...]:
        """The space and everything it rests on."""
        return (self, *(self.base.lineage() if self.base else ()))

    @property
    def label(self) -> str:
        """How a finding names it."""
        inner = f" over {self.base.label}" if self.base else ""
        return f"{self.family}{' ' + '+'.join(self.inks) if self.inks else ''}{inner}"


GRAY, RGB, CMYK = Space("DeviceGray", 1), Space("DeviceRGB", 3), Space("DeviceCMYK", 4)
UNKNOWN = Space("unknown")
PATTERN = Space("Pattern")
_DEVICE = {"DeviceGray": GRAY, "DeviceRGB": RGB, "DeviceCMYK": CMYK}
_DEFAULTS = {"DeviceGray": "DefaultGray", "DeviceRGB": "DefaultRGB", "DeviceCMYK": "DefaultCMYK"}


def device(family: str, spaces: Node) -> Space:
    """A device space as used under a resource dictionary's ``ColorSpace`` entry."""
    space = _DEVICE[family]
    if spaces.has(_DEFAULTS[family]):
        return Space(space.family, space.count, remapped=True)
    return space


def read(node: Node, spaces: Node, depth: int = 0) -> Space:
    """The space a PDF value stands for; ``spaces`` is the ``ColorSpace`` entry of the resources in force."""
    if depth > _DEPTH:
        raise Damaged("colour spaces rest on one another without end")
    family = node.name
    if family:
        family = _INLINE.get(family, family)
        if family in _DEVICE:
            return device(family, spaces)
        if family == "Pattern":
            return PATTERN
        named = spaces.get(family)
        return read(named, spaces, depth + 1) if named else UNKNOWN
    parts = tuple(node)
    if not parts:
        return UNKNOWN
    family = _INLINE.get(parts[0].name, parts[0].name)
    if len(parts) == 1 or family == "Pattern":
        if family == "Pattern" and len(parts) > 1:
            return Space("Pattern", base=read(parts[1], spaces, depth + 1))
        return read(parts[0], spaces, depth + 1)
    if family == "ICCBased":
        icc = Icc.read(parts[1])
        return Space(family, icc.declared, icc=icc)
    if family == "Indexed":
        return Space(family, 1, base=read(parts[1], spaces, depth + 1))
    if family in ("Separation", "DeviceN") and len(parts) > 3:
        inks = (parts[1].name,) if family == "Separation" else tuple(one.name for one in parts[1])
        tint = parts[3]
        mark = repr(tint.key) if tint.key != (0, 0) else ""
        return Space(family, len(inks), base=read(parts[2], spaces, depth + 1), inks=inks, tint=mark)
    return Space(family, _COUNTS.get(family, 0)) if family in _COUNTS else UNKNOWN


def total_ink(space: Space, values: tuple[float, ...]) -> float | None:
    """Total ink in per cent of a flat colour; None where it passes through a profile or a tint transform."""
    if space.family == "DeviceCMYK" and not space.remapped and len(values) == 4:
        return 100.0 * sum(min(max(value, 0.0), 1.0) for value in values)
    if space.family == "DeviceGray" and values:
        return 100.0 * (1.0 - min(max(values[0], 0.0), 1.0))
    if space.family in ("Separation", "DeviceN") and space.inks != ("None",):
        return 100.0 * sum(min(max(value, 0.0), 1.0) for value in values)
    return None
