"""What a hostile child might answer is not believed."""

from __future__ import annotations

import contextlib
import io
import json
import os
import struct
import threading
import time

import numpy as np
import pytest
from PIL import Image

from cardpipe.darkroom import frames
from cardpipe.prepress.photo import PhotoOrder


def good() -> dict[str, object]:
    return {"width_px": 8, "height_px": 8, "grey": False, "ppi": 300.0, "crop": [0, 0, 8, 8], "width_pt": 2.0,
            "height_pt": 2.0, "faces": [], "findings": []}  # fmt: skip


def tiny() -> bytes:
    import simplejpeg

    return bytes(simplejpeg.encode_jpeg(np.full((8, 8, 3), 90, np.uint8), 90))


def test_a_good_answer_is_taken() -> None:
    photo = frames.developed(good(), tiny())
    assert (photo.width_px, photo.crop, photo.jpeg) == (8, (0, 0, 8, 8), tiny())


@pytest.mark.parametrize(
    "lie",
    [{"width_px": 9}, {"width_px": "8"}, {"width_px": True}, {"width_px": -1}, {"ppi": float("nan")}, {"ppi": None},
     {"crop": [0, 0, 8]}, {"crop": "abcd"}, {"crop": [0, 0, 8, 1 << 40]}, {"faces": {}}, {"findings": None},
     {"findings": [{"level": "fatal", "code": "a", "where": "b", "message": "c", "remedy": ""}]},
     {"findings": [{"level": "error", "code": "a", "where": "b", "message": "\x1b[2J", "remedy": ""}]},
     {"findings": [{"level": "error", "code": "a", "where": "b", "message": "c" * 5000, "remedy": ""}]},
     {"findings": [3]}, {"grey": True}],
)  # fmt: skip
def test_lies_are_not_believed(lie: dict[str, object]) -> None:
    with pytest.raises(frames.BadFrame):
        frames.developed({**good(), **lie}, tiny())


def inked() -> bytes:
    import simplejpeg

    return bytes(simplejpeg.encode_jpeg(np.full((8, 8, 4), 90, np.uint8), 90, "CMYK", "444"))


def test_four_inks_are_taken_with_the_mark_that_tells_how_they_are_stored() -> None:
    cmyk = {**good(), "cmyk": True}
    assert frames.developed(cmyk, inked()).cmyk and not frames.developed(good(), tiny()).cmyk
    mark = inked().index(b"Adobe")
    straight = inked()[: mark + 11] + b"\0" + inked()[mark + 12 :]  # the same bytes would print in other colours
    out = io.BytesIO()
    Image.new("CMYK", (8, 8)).save(out, "JPEG")
    unmarked = inked()[:2] + inked()[mark + 12 :]
    marked = tiny()[:2] + inked()[2 : mark + 12] + tiny()[20:]
    for header, bad in (
        (cmyk, straight), (cmyk, out.getvalue()), (cmyk, unmarked), (cmyk, tiny()), (good(), inked()), (good(), marked),
        ({**cmyk, "grey": True}, inked()),
    ):  # fmt: skip
        with pytest.raises(frames.BadFrame):
            frames.developed(header, bad)


def test_an_order_names_its_presss_profile_and_does_not_carry_it() -> None:
    order = PhotoOrder(72, 36, knife_pt=(9, 9, 9, 0), colour="cmyk", profile=b"press" * 1000, max_ink=280)
    header = json.loads(json.dumps(frames.order_header(order)))
    assert len(json.dumps(header)) < 1000
    assert frames.photo_order(header, {header["profile"]: b"press" * 1000}) == order
    with pytest.raises(KeyError):
        frames.photo_order(header, {"another": b""})
    plain = PhotoOrder(72, 36)
    assert frames.photo_order(json.loads(json.dumps(frames.order_header(plain))), {}) == plain


def test_only_a_plain_jpeg_is_taken() -> None:
    jpeg = tiny()
    exif = jpeg[:2] + b"\xff\xe1" + struct.pack(">H", 10) + b"Exif\0\0ab" + jpeg[2:]
    comment = jpeg[:2] + b"\xff\xfe" + struct.pack(">H", 6) + b"abcd" + jpeg[2:]
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "JPEG", progressive=True)
    for bad in (exif, comment, jpeg + b"PK\x03\x04", jpeg[:-2], b"%PDF", b"", out.getvalue(), jpeg + b"\xff\xd9"):
        with pytest.raises(frames.BadFrame):
            frames.developed(good(), bad)


@pytest.mark.parametrize(
    "raw",
    [struct.pack(">II", 1 << 31, 0), struct.pack(">II", 2, 1 << 30) + b"{}", struct.pack(">II", 4, 0) + b"{}",
     struct.pack(">II", 2, 0) + b"[]", struct.pack(">II", 3, 0) + b"\xff{}", b"\0\0",
     struct.pack(">II", 200_000, 0) + b"[" * 200_000],
)  # fmt: skip
def test_frames_that_are_none(raw: bytes) -> None:
    read, write = os.pipe()
    writer = threading.Thread(target=lambda: (os.write(write, raw), os.close(write)))
    writer.start()
    try:
        with pytest.raises(frames.BadFrame):
            frames.receive(read, time.monotonic() + 5)
    finally:
        os.close(read)
        with contextlib.suppress(BrokenPipeError):
            writer.join()


def test_a_silent_pipe_does_not_wait_for_ever() -> None:
    read, write = os.pipe()
    with pytest.raises(TimeoutError):
        frames.receive(read, time.monotonic() + 0.05)
    os.close(write)
    assert frames.receive(read, time.monotonic() + 1) is None
    os.close(read)
