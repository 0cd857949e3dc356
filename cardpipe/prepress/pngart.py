"""A PNG as art: a whole printed side as one picture. It must be sharp enough, opaque, and of the page's shape."""

from __future__ import annotations

import io
import warnings

from PIL import Image, ImageCms

from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, error
from cardpipe.model.units import POINTS_PER_INCH, Size

LEAST_PPI = 300
MOST_PIXELS = 50_000_000
_SLACK = 0.01  # how far the picture's shape may be off the page's


def judged(data: bytes, media: Size, where: str) -> bytes:
    """The picture as a plain sRGB PNG. Raises Refused with every finding."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            picture = Image.open(io.BytesIO(data), formats=("PNG",))
            if findings := _judge(picture, media, where):
                raise Refused(f"{where} cannot be used", findings)
            picture.load()
            made = _in_srgb(picture)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Warning) as problem:
        what = f"is no readable PNG ({type(problem).__name__})"
        raise Refused(f"{where} cannot be used", [error("art.png.unreadable", where, what, "save it anew")]) from None
    out = io.BytesIO()
    made.save(out, "PNG", compress_level=1)
    return out.getvalue()


def _judge(picture: Image.Image, media: Size, where: str) -> list[Finding]:
    """By the header alone, before a pixel is decoded."""
    found = []
    width, height = (round(side / POINTS_PER_INCH * LEAST_PPI) for side in (media.width, media.height))
    if picture.width * picture.height > MOST_PIXELS:
        what = f"has {picture.width * picture.height / 1e6:.0f} million pixels; at most {MOST_PIXELS / 1e6:.0f}"
        found.append(error("art.png.large", where, what, f"scale it to {width} × {height} pixels"))
    across, down = (n / (side / POINTS_PER_INCH) for n, side in
                    ((picture.width, media.width), (picture.height, media.height)))  # fmt: skip
    if min(across, down) < LEAST_PPI * 0.999:
        what = f"has {picture.width} × {picture.height} pixels, {min(across, down):.0f} ppi on the page with its bleed"
        found.append(error("art.png.ppi", where, what, f"save it with at least {width} × {height} pixels (300 ppi)"))
    if abs(across / down - 1) > _SLACK:
        what = f"is {picture.width} : {picture.height}, and the page {media.width:.1f} : {media.height:.1f} points"
        found.append(error("art.png.shape", where, what, f"make it {width} × {height} pixels, bleed included"))
    if picture.mode not in ("RGB", "RGBA", "P", "L", "LA", "1", "I;16", "I"):
        found.append(error("art.png.unreadable", where, f"has pixels of kind {picture.mode}", "save it as RGB"))
    return found


def _in_srgb(picture: Image.Image) -> Image.Image:
    """Opaque pixels in sRGB; see-through ones lie on white paper, as they would in print."""
    profile = picture.info.get("icc_profile")
    if picture.mode in ("I;16", "I"):
        picture = picture.point(lambda value: value / 257).convert("L")
    if "transparency" in picture.info or picture.mode in ("RGBA", "LA"):
        picture = picture.convert("RGBA")
        paper = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(paper, picture)
    picture = picture.convert("RGB")
    if profile:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space.strip() == "RGB":
            made = ImageCms.profileToProfile(
                picture, source, ImageCms.createProfile("sRGB"), ImageCms.Intent.RELATIVE_COLORIMETRIC, "RGB",
                flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
            )  # fmt: skip
            assert made is not None
            picture = made
    return picture


def warm() -> None:
    """Load what reading a PNG needs from disk."""
    out = io.BytesIO()
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    Image.new("RGB", (9, 9)).save(out, "PNG", icc_profile=made.tobytes())
    with Image.open(out, formats=("PNG",)) as picture:
        _in_srgb(picture)
