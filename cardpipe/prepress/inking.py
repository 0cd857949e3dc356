"""The second door to the PDF object library: a page drawn in screen colours gets the inks that these stand for.

An artist draws with the screen colours of the palette; the press prints the inks of the same names. So every fill,
stroke and gradient stop becomes exactly four numbers that stand in ``design.toml``, and no colour is ever computed.
Pictures keep their RGB and are tagged with its profile (ISO 15930-7, 6.2.3); soft masks are light, not ink.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Operator, Stream

from cardpipe.model.units import Size, num

Inks = Mapping[str, tuple[float, float, float, float]]

#: Operators that set a colour, and what sets ink in their place (ISO 32000-1, table 74).
_SETS = {"sc": "k", "scn": "k", "rg": "k", "g": "k", "SC": "K", "SCN": "K", "RG": "K", "G": "K"}
_CHOOSES = {"cs", "CS"}


class Inked:
    """A page in inks. Colours, as ``#rrggbb`` in the order of the page: ``used`` for which an ink stands, ``strange``
    for which none does."""

    def __init__(self, data: bytes, used: list[str], strange: list[str]) -> None:
        self.data, self.used, self.strange = data, used, strange


def ink(page: bytes, inks: Inks, media: Size, profile: bytes) -> Inked:
    """A converted page with its colours replaced: ``inks`` are shares from 0 to 1 by ``#rrggbb``, ``profile`` is the
    RGB profile of its pictures. The same page gives the same bytes."""
    with pikepdf.open(io.BytesIO(page)) as document:
        painter = _Painter(document, inks, profile)
        only = document.pages[0].obj
        only.Contents = document.make_stream(painter.content(document.pages[0]))
        painter.resources(only.get("/Resources"))
        only.MediaBox = Array([0, 0, _exact(media.width), _exact(media.height)])
        if "/Group" in only:
            del only["/Group"]
        if "/Info" in document.trailer:
            del document.trailer["/Info"]
        out = io.BytesIO()
        document.save(out, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.disable,
                      recompress_flate=True, compress_streams=True)  # fmt: skip
    return Inked(out.getvalue(), painter.used, painter.strange)


def rgb_profile(page: bytes) -> bytes:
    """The profile that a converted page tags its colours with."""
    with pikepdf.open(io.BytesIO(page)) as document:
        spaces = document.pages[0].obj.Resources.ColorSpace
        return next(bytes(space[1].read_bytes()) for _, space in spaces.items())


class _Painter:
    """Goes through all that a page draws, each object once."""

    def __init__(self, document: pikepdf.Pdf, inks: Inks, profile: bytes) -> None:
        self._document, self._inks = document, inks
        self._seen: set[tuple[int, int]] = set()
        tag = document.make_stream(profile)
        tag.N = 3
        tag.Alternate = Name.DeviceRGB
        self._tagged = document.make_indirect(Array([Name.ICCBased, tag]))
        self.used: list[str] = []
        self.strange: list[str] = []

    def resources(self, found: Any) -> None:
        """Everything that resources name, but the light of soft masks."""
        if not isinstance(found, Dictionary) or self._been(found):
            return
        for key in ("/ColorSpace", "/ProcSet"):
            if key in found:
                del found[key]
        for target in _streams(found, "/XObject"):
            if self._been(target):
                continue
            if target.get("/Subtype") == Name.Image:
                if target.get("/ColorSpace") == Name.DeviceRGB or isinstance(target.get("/ColorSpace"), Array):
                    target.ColorSpace = self._tagged
            else:
                self._form(target)
        for pattern in _streams(found, "/Pattern"):
            if self._been(pattern):
                continue
            if isinstance(pattern, Stream):
                self._form(pattern)
            elif isinstance(shading := pattern.get("/Shading"), Dictionary):
                self._shading(shading)
        for shading in _streams(found, "/Shading"):
            self._shading(shading)

    def content(self, drawn: Any) -> bytes:
        """A content stream with inks in the place of its colours."""
        out = []
        for item in pikepdf.parse_content_stream(drawn):
            operands, operator = item.operands, item.operator
            name = str(operator)
            if name in _CHOOSES and operands[0] != Name.Pattern:
                continue
            if name in _SETS and operands and not isinstance(operands[-1], Name):
                numbers = [float(value) for value in operands]
                inks = [_exact(share) for share in self._ink(numbers)]
                out.append((inks, Operator(_SETS[name])))
            else:
                out.append((list(operands), operator))
        return pikepdf.unparse_content_stream(out)

    def _form(self, form: Any) -> None:
        form.write(self.content(form))
        if isinstance(group := form.get("/Group"), Dictionary) and "/CS" in group:
            group.CS = Name.DeviceCMYK  # it holds inks now, and blends them as the page does
        self.resources(form.get("/Resources"))

    def _shading(self, shading: Any) -> None:
        if self._been(shading) or shading.get("/ColorSpace") == Name.DeviceGray:
            return
        shading.ColorSpace = Name.DeviceCMYK
        waiting = [shading.Function]
        while waiting:
            function = waiting.pop()
            if isinstance(function, Array):
                waiting += list(function)
                continue
            if self._been(function):
                continue
            if "/Range" in function:
                function.Range = Array([0, 1] * 4)
            for end in ("/C0", "/C1"):
                if end in function:
                    numbers = [float(value) for value in function[end]]
                    function[end] = Array([_exact(share) for share in self._ink(numbers)])
            waiting += list(reversed(list(function.get("/Functions", Array()))))

    def _ink(self, light: list[float]) -> tuple[float, float, float, float]:
        """The ink that stands for a colour; black for one that none stands for, which is told."""
        parts = light * 3 if len(light) == 1 else light
        colour = "#" + "".join(f"{min(255, max(0, round(part * 255))):02x}" for part in parts)
        seen = self.used if colour in self._inks else self.strange
        if colour not in seen:
            seen.append(colour)
        return self._inks.get(colour, (0, 0, 0, 1))

    def _been(self, found: Any) -> bool:
        if not found.is_indirect:
            return False
        been = found.objgen in self._seen
        self._seen.add(found.objgen)
        return been


def _streams(resources: Dictionary, kind: str) -> list[Any]:
    named = resources.get(kind)
    if not isinstance(named, Dictionary):
        return []
    return [named[key] for key in sorted(named.keys()) if isinstance(named[key], Dictionary | Stream)]


def _exact(value: float) -> Any:
    return pikepdf.Object.parse(num(value).encode())
