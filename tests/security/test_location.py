"""Where a photo was taken never leaves: of what a camera wrote beside the pixels nothing is in a fragment, in a file of
a batch or in a proof, whatever format the photo came in."""

from __future__ import annotations

import io
import struct

import pikepdf
import pillow_heif
import pytest
from PIL import Image

from cardpipe.pipeline.gather import gather
from tests.security import planted
from tests.security.conftest import Door
from tests.security.stocked import LIVE, work

DAY = "2026-12-08"
#: The seconds of the latitude and of the longitude, as a RATIONAL of EXIF in either byte order.
PLACES = [struct.pack(order + "II", *value) for order in "<>" for value in ((7716, 625), (189, 10))]
NEEDLES = [b"Exif\0\0", b"GPSLatitude", b"GPSInfo", planted.CAMERA.encode(), planted.PHOTOGRAPHER.encode()]


def located(kind: str) -> bytes:
    """The planted photo in another format, with the same EXIF."""
    jpeg = planted.photo(len(kind) + ord(kind[0]), 900, 700)
    if kind == "JPEG":
        return jpeg
    with Image.open(io.BytesIO(jpeg)) as picture:
        exif = picture.getexif()
        exif.get_ifd(0x8825)
        out = io.BytesIO()
        if kind == "HEIF":
            pillow_heif.from_pillow(picture).save(out, quality=80, exif=exif.tobytes())
        elif kind == "TIFF":
            picture.save(out, kind, exif=exif)
        else:
            picture.save(out, kind, quality=85, exif=exif)
    return out.getvalue()


def told(data: bytes) -> list[bytes]:
    """What bytes tell of camera and place; of a PDF also what lies packed in it."""
    parts = [data]
    if data.startswith(b"%PDF"):
        with pikepdf.open(io.BytesIO(data)) as document:
            for stream in (each for each in document.objects if isinstance(each, pikepdf.Stream)):
                parts.append(bytes(stream.read_raw_bytes()))
                try:
                    parts.append(bytes(stream.read_bytes()))
                except pikepdf.PdfError:  # a picture, whose bytes were looked at already
                    continue
    return [needle for needle in (*NEEDLES, *PLACES) for part in parts if needle in part]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
def test_the_place_stays_here(door: Door, kind: str) -> None:
    data = located(kind)
    assert planted.PHOTOGRAPHER.encode() in data and any(place in data for place in PLACES), "it is there before"
    before = set(door.house.artifacts.digests(LIVE))
    picture = door.client.post("/v1/pictures", content=data).raise_for_status().json()["picture"]
    number = 300 + len(before)
    asked = planted.asked(f"place-{kind}", number, photos={"home": picture}, mail_on=DAY)
    order = door.client.post("/v1/orders", json=asked).raise_for_status().json()["id"]
    assert work(door.house, "compose") >= 1
    proof = door.client.get(f"/v1/orders/{order}/proof", params={"ppi": 150}).raise_for_status()
    gather(door.house, LIVE, DAY)
    work(door.house, "impose")
    assert told(proof.content) == []
    with Image.open(io.BytesIO(proof.content)) as shown:
        assert set(shown.info) <= {"dpi", "srgb", "gamma"} and not shown.getexif()
    made = set(door.house.artifacts.digests(LIVE)) - before - {picture.removeprefix("sha256:")}
    kinds = [door.house.artifacts.get(LIVE, digest)[:4] for digest in made]
    assert kinds.count(b"%PDF") >= 2 and len(made) > 6, "fragments and files of the batch"
    for digest in made:
        assert told(door.house.artifacts.get(LIVE, digest)) == [], digest


def test_it_would_be_found(door: Door) -> None:
    """In a PDF that has the photo as it came."""
    document = pikepdf.new()
    document.add_blank_page()
    document.pages[0].Resources = pikepdf.Dictionary(
        X=document.make_stream(planted.photo(), Subtype=pikepdf.Name.Image)
    )
    out = io.BytesIO()
    document.save(out, compress_streams=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    assert set(NEEDLES) - set(told(out.getvalue())) <= {b"GPSLatitude", b"GPSInfo"}
    assert any(place in told(out.getvalue()) for place in PLACES)
