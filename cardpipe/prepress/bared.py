"""A JPEG without what a camera or a program wrote beside the picture: where it was taken, by what, a smaller copy.

Kept is what changes how it looks: the picture's own segments, its colour profile (APP2 ``ICC_PROFILE``) and Adobe's
word on its colours (APP14). See ITU-T T.81, annex B.
"""

from __future__ import annotations

_ALONE = {0x01, *range(0xD0, 0xD8)}  # markers that stand without a length
_ICC = b"ICC_PROFILE\0"


def bared(data: bytes) -> bytes:
    """The same picture, pixel for pixel, up to its end: nothing that follows it is kept. What is no JPEG from end to
    end is given back as it is; a decoder has to judge it."""
    out, at = [data[:2]], 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # fill
            at += 1
            continue
        if marker == 0xD9:
            return b"".join((*out, data[at : at + 2]))
        length = 0 if marker in _ALONE else int.from_bytes(data[at + 2 : at + 4], "big")
        end = at + 2 + length
        if marker == 0xDA:
            end = _scan_end(data, end)
        if _looks(marker, data[at + 4 : at + 4 + len(_ICC)]):
            out.append(data[at:end])
        at = end
    if data[at : at + 2] == b"\xff\xd9":
        return b"".join((*out, b"\xff\xd9"))
    return data


def _looks(marker: int, begin: bytes) -> bool:
    """Whether a segment changes how the picture looks."""
    if marker == 0xFE:  # a comment
        return False
    if 0xE1 <= marker <= 0xEF:
        return marker == 0xEE or (marker == 0xE2 and begin == _ICC)
    return True


def _scan_end(data: bytes, at: int) -> int:
    """Where the entropy-coded bytes of a scan end: at the next marker that is no restart and no stuffed zero."""
    while (at := data.find(b"\xff", at)) >= 0 and at + 1 < len(data):
        if data[at + 1] != 0x00 and not 0xD0 <= data[at + 1] <= 0xD7:
            return at
        at += 2
    return len(data)
