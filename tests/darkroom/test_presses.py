"""Photos in the inks of the press that their order names: told to the child once, and never mixed with another's."""

from __future__ import annotations

import functools
import io
import os
import signal
import struct
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cardpipe.darkroom import LimitedDarkroom, frames
from cardpipe.model.errors import Bug
from cardpipe.prepress.photo import DevelopedPhoto, PhotoOrder

ORDER = PhotoOrder(144, 144, where="photos.main")
PRESS = (Path(__file__).parents[2] / "cardpipe" / "catalog" / "cp_TR006_300.icc").read_bytes()


@functools.cache
def picture() -> bytes:
    small = np.random.default_rng(1).integers(0, 256, (30, 30, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(small).resize((700, 700), Image.Resampling.BICUBIC).save(out, "JPEG", quality=90)
    return out.getvalue()


@pytest.fixture(scope="module")
def darkroom() -> Iterator[LimitedDarkroom]:
    with LimitedDarkroom() as room:
        yield room


@functools.cache
def blackless() -> bytes:
    """Another press: the same profile, the curve of its black ink set to none (ICC.1:2001-04, 6.5.7)."""
    profile = bytearray(PRESS)
    count = struct.unpack_from(">I", profile, 128)[0]
    tags = {PRESS[at : at + 4]: struct.unpack_from(">II", PRESS, at + 4) for at in range(132, 132 + 12 * count, 12)}
    for name in (b"B2A0", b"B2A1", b"B2A2"):
        offset, size = tags[name]
        curve = 2 * struct.unpack_from(">H", profile, offset + 50)[0]
        profile[offset + size - curve : offset + size] = bytes(curve)
    return bytes(profile)


def black_of(photo: DevelopedPhoto) -> int:
    with Image.open(io.BytesIO(photo.jpeg)) as image:
        assert photo.cmyk and image.mode == "CMYK"
        return int(np.asarray(image)[:, :, 3].max())


def cmyk(profile: bytes) -> PhotoOrder:
    return replace(ORDER, colour="cmyk", profile=profile)


def told(room: LimitedDarkroom, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the child is asked to do, as it is asked."""
    asked: list[str] = []
    real = frames.send

    def spy(fd: int, header: dict[str, Any], *rest: Any, **more: Any) -> None:
        asked.append(str(header.get("do", "start")))
        real(fd, header, *rest, **more)

    monkeypatch.setattr(frames, "send", spy)
    return asked


def test_two_presses_beside_each_other_never_mix(monkeypatch: pytest.MonkeyPatch) -> None:
    with LimitedDarkroom() as room:
        asked = told(room, monkeypatch)
        first, second = room.develop(picture(), cmyk(PRESS)), room.develop(picture(), cmyk(blackless()))
        assert black_of(first) > 100 and black_of(second) < 12
        for _ in range(2):
            assert room.develop(picture(), cmyk(PRESS)) == first
            assert room.develop(picture(), cmyk(blackless())) == second
        assert not room.develop(picture(), ORDER).cmyk
        assert asked.count("learn") == 2 and asked.count("develop") == 7, "each profile is told once"


def test_a_new_child_learns_the_profile_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    with LimitedDarkroom() as room:
        first = room.develop(picture(), cmyk(PRESS))
        asked = told(room, monkeypatch)
        assert room._template is not None
        os.kill(room._template.pid, signal.SIGKILL)
        time.sleep(0.1)
        assert room.develop(picture(), cmyk(PRESS)) == first
        room.close()
        assert room.develop(picture(), cmyk(PRESS)) == first
        assert asked.count("learn") >= 2


def test_a_press_without_a_profile_is_nobodys_picture_at_fault(darkroom: LimitedDarkroom) -> None:
    with pytest.raises(Bug, match="profile cannot be used"):
        darkroom.develop(picture(), cmyk(b"no profile"))
    assert darkroom.develop(picture(), cmyk(PRESS)).cmyk


def test_a_cmyk_photo_without_a_profile_is_read_by_that_of_its_order(darkroom: LimitedDarkroom) -> None:
    out = io.BytesIO()
    Image.new("CMYK", (64, 64), (200, 60, 20, 10)).save(out, "TIFF")
    order = replace(ORDER, profile=PRESS)
    photo = darkroom.develop(out.getvalue(), order)
    assert "photo.cmyk_assumed" in [finding.code for finding in photo.findings]
    assert photo.jpeg != darkroom.develop(out.getvalue(), replace(ORDER, profile=None)).jpeg
