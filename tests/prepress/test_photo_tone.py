"""A flat photo is mended a little for print; the limits of "a little" are measured here."""

from __future__ import annotations

import colorsys
import io

import numpy as np
import pytest
from picturemaking import ASTRONAUT, order
from PIL import Image

from cardpipe.catalog.press import presses
from cardpipe.prepress.photo import PhotoOrder, develop
from cardpipe.prepress.press import Press
from cardpipe.prepress.tone import MOST_MOVED, gentle


def astronaut() -> np.ndarray:
    return np.asarray(Image.open(ASTRONAUT).convert("RGB"))


def softened(low: int, high: int, gamma: float = 1.0) -> np.ndarray:
    """The astronaut with blacks at ``low`` and whites at ``high``."""
    return (low + (high - low) * (astronaut() / 255.0) ** gamma).round().astype(np.uint8)


FLAT = {
    "a little flat": softened(8, 247), "very flat": softened(40, 200), "dull whites": softened(0, 220),
    "pale blacks": softened(25, 255), "dark and flat": softened(4, 230, 2.2), "candlelight": softened(2, 140, 1.6),
}  # fmt: skip


def clipped(pixels: np.ndarray) -> float:
    """The share of pixels of which a channel is full, or that are black altogether."""
    return float(((pixels.max(axis=2) == 255) | (pixels.max(axis=2) == 0)).mean())


@pytest.mark.parametrize("name", FLAT)
def test_it_is_a_light_hand(name: str) -> None:
    before = FLAT[name]
    after = gentle(before)
    change = after.astype(int) - before
    assert after.shape == before.shape and after.dtype == np.uint8 and change.any()
    assert clipped(after) - clipped(before) <= 0.005
    assert abs(change.mean()) <= 12, "levels on average"
    assert np.abs(change).max() <= 255 * (2 * MOST_MOVED + 0.04), "levels anywhere"
    assert after.std() >= before.std(), "never flatter than it came"


@pytest.mark.parametrize("name", FLAT)
def test_no_colour_moves(name: str) -> None:
    before = FLAT[name]
    after = gentle(before)
    chosen = before.reshape(-1, 3)[::97], after.reshape(-1, 3)[::97]
    compared = 0
    for old, new in zip(*chosen, strict=True):
        if int(new.max()) < 60 or int(new.max()) - int(new.min()) < 40:
            continue  # too dark or too grey for a hue that 8 bits can tell
        one, other = colorsys.rgb_to_hsv(*(old / 255)), colorsys.rgb_to_hsv(*(new / 255))
        turned = abs(one[0] - other[0])
        assert min(turned, 1 - turned) < 0.012 and abs(one[1] - other[1]) < 0.015
        compared += 1
    assert compared > 100


def test_order_of_brightness_is_kept() -> None:
    """A ramp stays a ramp: no step is turned over, none is torn wider than three levels."""
    ramp = np.repeat(np.arange(10, 240, dtype=np.uint8)[None, :], 40, axis=0)
    coloured = np.dstack([ramp, ramp // 2, ramp // 3])
    steps = np.diff(gentle(coloured)[0, :, 0].astype(int))
    assert steps.min() >= 0 and steps.max() <= 3


def test_dark_pictures_are_lifted_and_light_ones_not() -> None:
    ramp = np.tile(np.linspace(20, 235, 256), (64, 1))
    dark = (20 + 215 * ((ramp - 20) / 215) ** 2.5).astype(np.uint8)
    light = (20 + 215 * ((ramp - 20) / 215) ** 0.6).astype(np.uint8)
    middle = {}
    for name, band in (("dark", dark), ("light", light)):
        before = np.dstack([band, (band * 0.9).astype(np.uint8), (band * 0.8).astype(np.uint8)])
        flat = (np.clip((before[..., 0].astype(float) - 15) / 225, 0, 1) * 255).mean()
        middle[name] = gentle(before)[..., 0].mean() - flat
    assert 3 < middle["dark"] < 11 and abs(middle["light"]) < 1


@pytest.mark.parametrize(
    "pixels",
    [
        astronaut(),
        np.repeat(softened(40, 200)[:, :, 1:2], 3, axis=2),
        softened(40, 200)[:, :, 1:2],
        np.full((40, 40, 3), (120, 60, 30), np.uint8),
        np.zeros((1, 1, 3), np.uint8),
    ],
    ids=["full range", "grey in three channels", "grey", "one colour", "one black pixel"],
)
def test_what_needs_nothing_is_left_to_the_bit(pixels: np.ndarray) -> None:
    assert gentle(pixels) is pixels


def jpeg(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=95, subsampling=0)
    return out.getvalue()


def test_it_is_off_unless_the_press_says_so() -> None:
    data = jpeg(FLAT["very flat"])
    off, on = (develop(data, order(tone=tone)) for tone in ("off", "gentle"))
    assert develop(data, order()).jpeg == off.jpeg != on.jpeg
    assert develop(data, order(tone="gentle")).jpeg == on.jpeg, "a remake is the same card"
    spread = [np.asarray(Image.open(io.BytesIO(one.jpeg))).std() for one in (off, on)]
    assert 1.05 < spread[1] / spread[0] < 1.2
    whole = jpeg(astronaut())
    assert develop(whole, order(tone="gentle")).jpeg == develop(whole, order()).jpeg


def test_a_press_pins_it_only_where_it_is_on() -> None:
    """What orders pinned before there was a tone, and what batches are grouped by, stays as it was."""
    shipped = presses()
    assert all(press.tone == "off" and "tone" not in press.model_dump() for press in shipped.values())
    on = Press.model_validate({**shipped["digital-coated"].model_dump(), "tone": "gentle"})
    assert on.model_dump()["tone"] == "gentle" and Press.model_validate(on.model_dump()) == on
    with pytest.raises(ValueError, match="tone"):
        PhotoOrder(72, 72, tone="vivid")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="tone"):
        Press.model_validate({**shipped["digital-coated"].model_dump(), "tone": "vivid"})
