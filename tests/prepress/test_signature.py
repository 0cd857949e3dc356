"""Signatures: the ink off the paper, whatever the paper, and nothing that is not ink."""

from __future__ import annotations

import io
import struct
from itertools import pairwise

import cv2
import numpy as np
import pypdfium2
import pytest
from PIL import Image, ImageDraw

from cardpipe.model.errors import Refused
from cardpipe.model.finding import Level
from cardpipe.prepress.signature import LiftedSignature, SignatureOrder, lift

ORDER = SignatureOrder(144, 54)


def pen(width: int = 1200, height: int = 700) -> np.ndarray:
    """A signature as the share of ink in each pixel: a looping line, a dot, a flourish under it."""
    image = Image.new("L", (width * 2, height * 2), 0)
    draw = ImageDraw.Draw(image)
    t = np.linspace(0, 1, 500)
    x = width * 2 * (0.2 + 0.5 * t) + width * 0.12 * np.sin(14 * t)
    y = height * 2 * (0.5 + 0.13 * np.sin(19 * t + 1) * (1 - t) + 0.05 * np.cos(40 * t))
    points = list(zip(x.tolist(), y.tolist(), strict=True))
    for one, other in pairwise(points):
        draw.line([one, other], fill=255, width=12)
    draw.line([(width * 0.5, height * 1.42), (width * 1.5, height * 1.36)], fill=255, width=10)
    draw.ellipse([width * 1.2, height * 0.6, width * 1.2 + 24, height * 0.6 + 24], fill=255)
    return np.asarray(image.resize((width, height), Image.Resampling.LANCZOS)).astype(float) / 255


def photo(
    ink: np.ndarray, *, paper: tuple[int, ...] = (250, 248, 244), colour: tuple[int, ...] = (30, 40, 110),
    shadow: bool = False, rules: float | None = None, noise: float = 2.0, dust: bool = False,
) -> bytes:  # fmt: skip
    """A simulated phone photo of that ink on a sheet; ``rules`` is the slope of its ruled lines."""
    height, width = ink.shape
    sheet = np.ones((height, width, 3)) * np.array(paper)
    if rules is not None:
        lines = Image.new("L", (width, height), 0)
        draw = ImageDraw.Draw(lines)
        for y in range(40, height + 100, 80):
            draw.line([(0, y), (width, y - rules * width)], fill=255, width=3)
        share = np.asarray(lines)[:, :, None] / 255
        sheet = sheet * (1 - share) + share * np.array((120, 160, 215))
    picture = sheet * (1 - ink[:, :, None]) + ink[:, :, None] * np.array(colour)
    rng = np.random.default_rng(11)
    if dust:
        for row, column in zip(rng.integers(5, height - 5, 60), rng.integers(5, width - 5, 60), strict=True):
            picture[row : row + 2, column : column + 2] = 60
    if shadow:
        rows, columns = np.mgrid[0:height, 0:width]
        light = 1 - 0.45 * columns / width - 0.15 * rows / height
        light *= 1 - 0.25 * ((columns - width * 0.3) ** 2 + (rows - height * 0.9) ** 2 < (height * 0.5) ** 2)
        picture = picture * cv2.GaussianBlur(light, (0, 0), 20)[:, :, None]
    picture = picture + rng.normal(0, noise, picture.shape)
    out = io.BytesIO()
    Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(out, "JPEG", quality=88)
    return out.getvalue()


def tiff(signature: LiftedSignature) -> np.ndarray:
    """Ink as True, decoded by libtiff from a file put around the strip."""
    entries = [(256, 4, signature.width_px), (257, 4, signature.height_px), (258, 3, 1), (259, 3, 4), (262, 3, 0),
               (273, 4, 122), (277, 3, 1), (278, 4, signature.height_px), (279, 4, len(signature.g4))]  # fmt: skip
    table = b"".join(
        struct.pack("<HHI", tag, kind, 1) + (struct.pack("<HH", value, 0) if kind == 3 else struct.pack("<I", value))
        for tag, kind, value in entries
    )
    data = b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + table + bytes(4)
    assert len(data) == 122
    return ~np.asarray(Image.open(io.BytesIO(data + signature.g4)).convert("1"))  # 262 = 0: white is zero, ink is black


def rendered(signature: LiftedSignature) -> np.ndarray:
    """Ink as True, painted by PDFium from the image mask that the module's docstring describes."""
    width, height = signature.width_px, signature.height_px
    content = f"q {width} 0 0 {height} 0 0 cm 0 0 1 rg /I Do Q".encode()
    mask = (f"<</Type/XObject/Subtype/Image/Width {width}/Height {height}/ImageMask true/BitsPerComponent 1/Decode[0 1]"
            f"/Filter/CCITTFaxDecode/DecodeParms<</K -1/Columns {width}/Rows {height}/BlackIs1 false>>"
            f"/Length {len(signature.g4)}>>stream\n").encode() + signature.g4 + b"\nendstream"  # fmt: skip
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 {width} {height}]/Contents 4 0 R"
        f"/Resources<</XObject<</I 5 0 R>>>>>>".encode(),
        b"<</Length %d>>stream\n" % len(content) + content + b"\nendstream", mask,
    ]  # fmt: skip
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj" % number + body + b"endobj\n"
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    start = b"startxref\n%d\n%%%%EOF" % len(out)
    out += b"xref\n0 6\n0000000000 65535 f \n" + table + b"trailer<</Size 6/Root 1 0 R>>" + start
    pixels = np.asarray(pypdfium2.PdfDocument(out)[0].render(scale=1).to_pil().convert("RGB")).astype(int)
    assert pixels.shape[:2] == (height, width)
    return pixels[:, :, 0] < 128


def expected(ink: np.ndarray, signature: LiftedSignature) -> np.ndarray:
    """The true ink, trimmed to itself and brought to the mask's size less its margin."""
    rows, columns = np.flatnonzero((ink > 0.5).any(1)), np.flatnonzero((ink > 0.5).any(0))
    cut = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    margin = max(2, round(0.02 * max(cut.shape)))
    size = (signature.width_px, signature.height_px)
    return cv2.resize(np.pad(cut, margin), size, interpolation=cv2.INTER_CUBIC) > 0.5


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Share of the ink that both agree on."""
    return float((one & other).sum() / (one | other).sum())


SHEETS = {
    "plain": {}, "shadow": {"shadow": True}, "cream, blue ink": {"paper": (240, 228, 190), "colour": (40, 60, 170)},
    "lined": {"rules": 0.0}, "lined, tilted, in shadow": {"rules": 0.012, "shadow": True, "noise": 4.0},
    "dim and noisy": {"paper": (190, 175, 140), "colour": (80, 80, 90), "shadow": True, "noise": 7.0},
    "red ink": {"colour": (190, 30, 40)}, "dust": {"dust": True},
}  # fmt: skip


@pytest.mark.parametrize("sheet", SHEETS)
def test_the_ink_comes_off_every_sheet(sheet: str) -> None:
    ink = pen()
    signature = lift(photo(ink, **SHEETS[sheet]), ORDER)  # type: ignore[arg-type]
    assert signature.findings == ()
    true = expected(ink, signature)
    mask = tiff(signature)
    assert mask.shape == true.shape == (signature.height_px, signature.width_px)
    assert overlap(mask, true) > 0.85
    reach = np.ones((9, 9), np.uint8)
    assert not (mask & ~cv2.dilate(true.astype(np.uint8), reach).astype(bool)).any(), "ink where there was none"
    assert (true & ~cv2.dilate(mask.astype(np.uint8), reach).astype(bool)).mean() < 0.0005, "a stroke was lost"
    assert not mask[0].any() and not mask[-1].any() and not mask[:, 0].any() and not mask[:, -1].any(), "margin"


def test_pdfium_paints_the_ink_and_not_the_paper() -> None:
    signature = lift(photo(pen()), ORDER)
    painted, decoded = rendered(signature), tiff(signature)
    assert 0.01 < decoded.mean() < 0.3
    assert overlap(painted, decoded) > 0.99


def test_size_and_shape_at_the_placed_size() -> None:
    signature = lift(photo(pen()), ORDER)
    assert signature.width_px == pytest.approx(signature.width_pt / 72 * 600, abs=1)
    assert signature.height_px == pytest.approx(signature.height_pt / 72 * 600, abs=1)
    assert signature.width_pt <= 144.01 and signature.height_pt <= 54.01
    assert max(signature.width_pt / 144, signature.height_pt / 54) == pytest.approx(1, abs=0.01)
    assert signature.aspect == pytest.approx(signature.width_px / signature.height_px)
    assert len(signature.g4) < 6000
    assert lift(photo(pen()), SignatureOrder(144, 54, ppi=1200)).height_px == pytest.approx(900, abs=1)


def test_transparency_is_the_ink() -> None:
    ink = pen(600, 350)
    pixels = np.zeros((350, 600, 4), np.uint8)
    pixels[:, :, :3] = (255, 255, 255)  # white ink on nothing: only alpha tells
    pixels[:, :, 3] = np.rint(ink * 255)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    signature = lift(out.getvalue(), ORDER)
    assert overlap(tiff(signature), expected(ink, signature)) > 0.9


def test_an_opaque_png_with_alpha_is_a_photo() -> None:
    picture = Image.open(io.BytesIO(photo(pen()))).convert("RGBA")
    out = io.BytesIO()
    picture.save(out, "PNG")
    signature = lift(out.getvalue(), ORDER)
    assert overlap(tiff(signature), expected(pen(), signature)) > 0.85


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_turned_photo_is_turned_back(orientation: int) -> None:
    picture = Image.open(io.BytesIO(photo(pen())))
    way = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}[orientation]
    tags = Image.Exif()
    tags[0x0112] = orientation
    out = io.BytesIO()
    picture.transpose(way).save(out, "JPEG", quality=92, exif=tags)
    signature = lift(out.getvalue(), ORDER)
    assert overlap(tiff(signature), expected(pen(), signature)) > 0.85


def empty_sheet() -> bytes:
    return photo(np.zeros((700, 1200)), shadow=True, noise=5.0)


def photograph() -> bytes:
    rows, columns = np.mgrid[0:400, 0:600]
    rng = np.random.default_rng(3)
    blobs = cv2.GaussianBlur(rng.normal(0, 1, (400, 600)), (0, 0), 9)
    pixels = np.clip(128 + 60 * np.sin(columns / 40) + 900 * blobs + rows / 8, 0, 255).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG")
    return out.getvalue()


def lined_but_unsigned() -> bytes:
    return photo(np.zeros((700, 1200)), rules=0.0)


def transparent() -> bytes:
    out = io.BytesIO()
    Image.new("RGBA", (300, 200), (0, 0, 0, 0)).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("make", [empty_sheet, photograph, lined_but_unsigned, transparent])
def test_no_ink_is_said_so(make) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(Refused) as caught:
        lift(make(), SignatureOrder(144, 54, where="signature"))
    assert [(f.level, f.code, f.where) for f in caught.value.findings] == [
        (Level.ERROR, "signature.no_ink", "signature")
    ]


def test_too_few_pixels() -> None:
    small = lift(photo(pen(300, 175), noise=1.0), SignatureOrder(216, 108))
    assert [(f.level, f.code) for f in small.findings] == [(Level.ERROR, "signature.resolution.low")]
    assert small.ppi < 150 and f"{int(small.ppi)} to the inch" in small.findings[0].message
    assert lift(photo(pen(300, 175), noise=1.0), SignatureOrder(36, 18)).findings == ()


def test_strangers_are_refused_under_the_signatures_name() -> None:
    for data, code in ((b"%PDF-1.4", "signature.format"), (photo(pen())[:4000], "signature.truncated")):
        with pytest.raises(Refused) as caught:
            lift(data, ORDER)
        assert [finding.code for finding in caught.value.findings] == [code]


def test_the_same_bytes_every_time() -> None:
    data = photo(pen(), rules=0.01, shadow=True)
    assert lift(data, ORDER) == lift(data, ORDER)
