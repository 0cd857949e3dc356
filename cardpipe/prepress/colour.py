"""A picture's own colours become sRGB. Runs in the limited child only: a picture's profile is a stranger's too."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cardpipe.model.finding import Finding, note, warning

if TYPE_CHECKING:
    from cardpipe.prepress.decode import Picture, Pixels

_BANDS = {"grey": "L", "rgb": "RGB", "cmyk": "CMYK", "lab": "LAB"}
_ICC_SPACE = {"GRAY": "grey", "RGB": "rgb", "CMYK": "cmyk"}


def to_srgb(pixels: Pixels, picture: Picture, cmyk_profile: bytes | None, where: str) -> tuple[Pixels, list[Finding]]:
    """Relative colorimetric with black point compensation, by LittleCMS. Grey stays one band."""
    space, icc, findings = picture.space, picture.icc, list[Finding]()
    if icc is not None and _profile_space(icc) != space:
        findings.append(warning("photo.profile_unusable", where, "its colour profile is broken or not meant for it",
                                "look at the proof: the colours may be off"))  # fmt: skip
        icc = None
    if icc is None and space == "cmyk":
        if cmyk_profile is None:
            findings.append(warning("photo.cmyk_unprofiled", where, "a CMYK picture without a colour profile",
                                    "send it in RGB, or look at the proof: the colours may be off"))  # fmt: skip
        else:
            findings.append(note("photo.cmyk_assumed", where,
                                 "a CMYK picture without a colour profile was read as the press's"))  # fmt: skip
        icc = cmyk_profile
    if space in ("grey", "rgb") and (icc is None or _is_srgb(icc, space)):
        return pixels, findings
    return _convert(pixels, space, icc), findings


def _profile_space(icc: bytes) -> str | None:
    """The pixels that a profile is for; None where it is not a profile that can be read."""
    from PIL import ImageCms

    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc)).profile
        return _ICC_SPACE.get(profile.xcolor_space.strip()) if profile.device_class.strip() != "link" else None
    except (OSError, ImageCms.PyCMSError):
        return None


@lru_cache(maxsize=8)
def _transform(icc: bytes | None, space: str) -> Any:
    from PIL import ImageCms

    source = ImageCms.createProfile("LAB") if icc is None else ImageCms.ImageCmsProfile(io.BytesIO(icc))
    return ImageCms.buildTransform(
        source, ImageCms.createProfile("sRGB"), _BANDS[space], "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC, ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )  # fmt: skip


def _convert(pixels: Pixels, space: str, icc: bytes | None) -> Pixels:
    import numpy as np
    from PIL import Image, ImageCms

    height, width = pixels.shape[:2]
    if space == "grey":
        ramp = ImageCms.applyTransform(Image.frombytes("L", (256, 1), bytes(range(256))), _transform(icc, space))
        return np.asarray(ramp)[0, :, 1][pixels]
    image = Image.frombuffer(_BANDS[space], (width, height), np.ascontiguousarray(pixels), "raw", _BANDS[space], 0, 1)
    if space == "cmyk" and icc is None:
        return np.asarray(image.convert("RGB"))
    return np.asarray(ImageCms.applyTransform(image, _transform(icc, space)))


@lru_cache(maxsize=8)
def _is_srgb(icc: bytes, space: str) -> bool:
    """Whether a profile moves no colour of a coarse grid by more than two levels: then converting is only a loss."""
    import numpy as np

    steps = np.linspace(0, 255, 9).astype(np.uint8)
    if space == "grey":
        grid = steps[None, :, None]
    else:
        grid = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(1, -1, 3)
    return int(np.abs(_convert(grid, space, icc).astype(int) - grid).max()) <= 2
