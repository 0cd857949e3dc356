"""The scanning page in a real browser: a scanner types, the line drops, a camera looks; and the screen turns red."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from cardpipe.model.batch import Batch, match_code
from cardpipe.model.scan import Stage
from cardpipe.model.user import Role
from cardpipe.prepress.raster import opened
from tests.console.chromium import complaints, executable, judge, listening, log_in
from tests.console.conftest import Browse
from tests.console.floor import SCOPE, employ
from tests.console.test_batch import now, release
from tests.pipeline.shopfloor import House

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture
def released(seeded: House, browse: Browse, batch: Batch) -> Batch:
    return release(seeded, browse(), batch)


@pytest.fixture
def page(seeded: House, released: Batch, tmp_path: Path) -> Iterator[Page]:
    """The scanning page of somebody who just logged in, before a camera that sees the first envelope's code."""
    film = tmp_path / "camera.y4m"
    film.write_bytes(filmed(seeded, released))
    employ(seeded, "floor", Role.OPERATOR)
    args = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={film}"]  # fmt: skip
    with listening(seeded, at_work=False) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=args)
        made = log_in(browser, address, "floor", permissions=["camera"])
        made.goto(f"/batches/{released.name}/scan")
        yield made
        browser.close()


def filmed(house: House, batch: Batch) -> bytes:
    """One frame of film (YUV4MPEG2, 4:2:0): the corner of the envelope with its match code."""
    envelopes = next(file for file in batch.files if "_ENV" in file.name)
    with opened(house.artifacts.get(SCOPE, envelopes.sha256)) as document:
        grey = document.pixels(0, 200)[:, :, 1]
    rows, columns = np.nonzero(grey[:, grey.shape[1] // 2 :] < 128)  # the code stands in the right half
    middle = (int(np.median(rows)), int(np.median(columns)) + grey.shape[1] // 2)
    for top in range(0, max(1, grey.shape[0] - 479), 60):
        for left in range(0, max(1, grey.shape[1] - 639), 60):
            frame = np.full((480, 640), 255, np.uint8)
            cut = grey[top : top + 480, left : left + 640]
            frame[: cut.shape[0], : cut.shape[1]] = cut
            if _codes(frame) == [match_code(batch.number, 1, "E")]:
                return (
                    b"YUV4MPEG2 W640 H480 F5:1 Ip A1:1 C420jpeg\nFRAME\n"
                    + frame.tobytes()
                    + bytes([128]) * (320 * 240 * 2)
                )
    raise AssertionError(f"no code was found, also not near {middle}")


def _codes(frame: np.ndarray) -> list[str]:
    from cardpipe.lettershop.proving import read_grey

    return read_grey(Image.fromarray(frame).tobytes(), 640, 480)


def scan(page: Page, text: str) -> None:
    """As a scanner types, wherever the cursor is."""
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def test_a_wrong_pair_fills_the_screen_until_somebody_came(seeded: House, released: Batch, page: Page) -> None:
    page.get_by_text("Inserted", exact=True).first.click()
    alarm, verdict = page.locator("dialog.alarm"), page.locator(".verdict")
    scan(page, match_code(released.number, 1, "O"))
    expect(verdict).to_contain_text("Now its envelope")
    scan(page, match_code(released.number, 1, "E"))
    name = seeded.store.member(SCOPE, released.id, 1).spec["recipient"]["name"]
    expect(verdict).to_contain_text(name)
    expect(verdict).to_have_class(re.compile("verdict-good"))
    assert judge(page) == []
    scan(page, match_code(released.number, 2, "O"))
    scan(page, match_code(released.number, 3, "E"))
    expect(alarm).to_be_visible()
    expect(alarm).to_contain_text("do not belong together")
    box = alarm.bounding_box()
    assert box and (box["width"], box["height"]) == (1280, 900)
    assert (
        page.evaluate("getComputedStyle(document.querySelector('dialog.alarm')).backgroundColor") == "rgb(184, 16, 28)"
    )
    assert judge(page) == []
    scan(page, match_code(released.number, 4, "O"))
    page.keyboard.press("Escape")
    expect(alarm).to_be_visible()
    page.get_by_role("button", name="It lies wrong").click()
    expect(alarm).to_be_hidden()
    expect(verdict).to_contain_text("The batch is held")
    assert (now(seeded, released).held or "").startswith("scan.pair_disagrees")
    assert seeded.store.tally(SCOPE, released.id).inserted <= 1  # the wrong pair was not taken
    assert complaints(page) == []


def test_codes_outlive_a_lost_line_and_the_last_is_taken_back(seeded: House, released: Batch, page: Page) -> None:
    verdict = page.locator(".verdict")
    page.context.set_offline(True)
    for seq in (1, 2, 3):
        scan(page, match_code(released.number, seq, "O"))
        expect(verdict).to_contain_text(str(seq))
    page.get_by_role("button", name="Undo the last").click()
    expect(verdict).to_contain_text("3 was taken back")
    scan(page, match_code(released.number, 1, "O"))  # doubled: seen without asking anybody
    expect(page.locator("dialog.alarm")).to_contain_text("Number 1 was scanned as printed before")
    page.get_by_role("button", name="A slip of the hand").click()
    assert seeded.store.tally(SCOPE, released.id).printed == 0
    page.context.set_offline(False)
    page.reload()  # what was scanned is still there, and is sent
    expect(page.locator("[data-count=printed]")).to_have_text("2", timeout=15_000)
    assert seeded.store.unseen(SCOPE, released.id, Stage.PRINTED)[0] == 3


def test_a_camera_reads_the_code(seeded: House, released: Batch, page: Page) -> None:
    page.get_by_role("button", name="Use the camera").click()
    expect(page.locator(".verdict")).to_contain_text(
        seeded.store.member(SCOPE, released.id, 1).spec["recipient"]["name"], timeout=20_000
    )
    page.get_by_role("button", name="Camera off").click()
    expect(page.locator("video")).to_be_hidden()
    assert complaints(page) == []
